import { once } from 'node:events'
import { Agent, request as httpRequest, type IncomingMessage } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { seededRandom } from '../../helpers/seeded-random.ts'
import { nowUs, TOKEN_EVERY_MS } from './clock.ts'

/** What a way to the service took of its own, for one request, ms. */
export interface Sample {
  /** From the client to the service, and of the first token back. */
  firstMs: number
  /** Of each token after it, from the service to the client. */
  tokensMs: number[]
}

/** Between two requests of a client at the most. */
const PAUSE_MS = 60

const FIRST = /#(\d+)@(\d+)@/
const WRITTEN = /@(\d+)@/g

/**
 * Asks one after the other, as `streams` clients side by side. They begin within the time of one answer, and answers differ
 * in length, so that the streams do not march in step; unless all are to begin at once.
 * @param options.tokens of an answer on average, from half to one and a half of it
 */
export async function load(
  url: string,
  options: { streams: number; requests: number; tokens: number; seed: number; atOnce?: boolean },
): Promise<Sample[]> {
  const { streams, requests, tokens, seed, atOnce = false } = options
  const agent = new Agent({ keepAlive: true, maxSockets: streams })
  const samples: Sample[] = []
  let begun = 0
  const client = async (number: number) => {
    const random = seededRandom(seed * 1_000 + number)
    if (!atOnce) {
      await delay(random() * (PAUSE_MS + tokens * TOKEN_EVERY_MS))
      // Opens the connections, on every way as many as it has; it does not count.
      await ask(url, tokens, agent)
    }
    while (begun < requests) {
      begun++
      samples.push(await ask(url, Math.ceil(tokens * (0.5 + random())), agent))
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
