import { once } from 'node:events'
import { Agent, request as httpRequest, type IncomingMessage } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { seededRandom } from '../../helpers/seeded-random.ts'
import { nowUs } from './clock.ts'

/** What a way to the service took of its own, for one request, ms. */
export interface Sample {
  /** From the client to the service, and of the first token back. */
  firstMs: number
  /** Of each token after it, from the service to the client. */
  tokensMs: number[]
}

/** Between two requests of a client at the most, so that the streams do not march in step. */
const PAUSE_MS = 60

const FIRST = /#(\d+)@(\d+)@/
const WRITTEN = /@(\d+)@/g

/** Asks one after the other, as `streams` clients side by side. */
export async function load(
  url: string,
  options: { streams: number; requests: number; tokens: number; seed: number },
): Promise<Sample[]> {
  const { streams, requests, tokens, seed } = options
  const agent = new Agent({ keepAlive: true, maxSockets: streams })
  const samples: Sample[] = []
  let begun = 0
  const client = async (number: number) => {
    const random = seededRandom(seed * 1_000 + number)
    await delay(random() * PAUSE_MS)
    while (begun < requests) {
      begun++
      samples.push(await ask(url, tokens, agent))
      await delay(random() * PAUSE_MS)
    }
  }
  try {
    await Promise.all(Array.from({ length: streams }, (_, number) => client(number)))
  } finally {
    agent.destroy()
  }
  return samples
}

async function ask(url: string, tokens: number, agent: Agent): Promise<Sample> {
  const body = JSON.stringify({
    model: 'scripted',
    messages: [
      { role: 'system', content: 'You are a helpful assistant.' },
      { role: 'user', content: 'What do fish do all day? Answer in a few words.' },
    ],
    max_tokens: tokens,
    temperature: 0,
    stream: true,
  })
  const sentUs = nowUs()
  const request = httpRequest(`${url}/v1/chat/completions`, {
    ...{ agent, method: 'POST' },
    headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) },
  })
  request.end(body)
  const [response] = (await once(request, 'response')) as [IncomingMessage]
  response.setEncoding('utf8')
  let whole = ''
  let first: number | null = null
  const tokensMs: number[] = []
  for await (const part of response as AsyncIterable<string>) {
    const readUs = nowUs()
    whole += part
    const begins: RegExpExecArray | null = first === null ? FIRST.exec(part) : null
    if (begins !== null) first = (Number(begins[1]) - sentUs + readUs - Number(begins[2])) / 1_000
    let isFirst = begins !== null
    for (const [, written] of part.matchAll(WRITTEN)) {
      if (!isFirst) tokensMs.push((readUs - Number(written)) / 1_000)
      isFirst = false
    }
  }
  if (
    response.statusCode !== 200 ||
    first === null ||
    !whole.includes('[DONE]') ||
    tokensMs.length !== tokens - 1
  )
    throw new Error(`${url} answered ${response.statusCode}: ${whole.slice(0, 400)}`)
  return { firstMs: first, tokensMs }
}
