import assert from 'node:assert/strict'
import { LOOPBACK } from '../../../../../node/gateway/accounts/accounts.ts'
import { OWNER_PURSE, type Purse } from '../../../../../node/gateway/http/purse.ts'
import {
  type CanonicalMessage,
  type CanonicalRequest,
  NO_SHOAL_OPTIONS,
} from '../../../../../node/gateway/inference/canonical-request.ts'
import type {
  InferenceEvent,
  InferenceOptions,
  InferenceResult,
  InferenceService,
} from '../../../../../node/gateway/inference/inference-service.ts'
import { TOOL_LIMITS, ToolInference } from '../../../../../node/gateway/inference/tool-inference.ts'
import type { NodeTool, NodeTools } from '../../../../../node/tools/node-tools.ts'
import { formatCredits } from '../../../../../protocol/money.ts'
import { ManualClock } from '../../../../helpers/manual-clock.ts'

/** What a model does in one step: says something, calls tools, or both. */
interface Step {
  text?: string
  calls?: [name: string, given: string][]
  cost?: bigint
}

/** A model that does as it is told, so that bounds can be met exactly; a real one is in the integration test. */
class ScriptedInference implements InferenceService {
  readonly requests: CanonicalRequest[] = []
  readonly #steps: Step[]

  constructor(steps: Step[]) {
    this.#steps = steps
  }

  embed = () => assert.fail('not asked for')

  async run(request: CanonicalRequest, options: InferenceOptions): Promise<InferenceResult> {
    this.requests.push(structuredClone(request))
    const { text = '', calls = [], cost = 1n } = this.#steps[this.requests.length - 1] ?? this.#steps.at(-1)!
    const reservation = await options.purse.reserve(request.shoal.maxPrice ?? cost, options)
    const n = this.requests.length
    if (text !== '') options.onEvent(0, { type: 'text', text, tokens: 1 })
    for (const [index, [name]] of calls.entries())
      options.onEvent(0, { type: 'tool_call', index, id: `${n}-${index}`, name })
    options.onEvent(0, { type: 'cost', amount: cost })
    await reservation.spent(cost)
    await reservation.settle(cost)
    return {
      choices: [
        {
          text,
          toolCalls: calls.map(([name, given], index) => ({ id: `${n}-${index}`, name, arguments: given })),
          finish: calls.length > 0 ? 'tool_calls' : 'stop',
          isCutByStop: false,
          logprobs: null,
        },
      ],
      usage: { promptTokens: 10, outputTokens: 2 },
      shoal: {
        ...{ taskIds: [`0x${n}`], provider: 'local', model: 'm', cost: formatCredits(cost) },
        ...{ receipts: [], attempts: 1, ended: 'complete' },
      },
    }
  }
}

const tool = (
  name: string,
  answer: (given: string, signal: AbortSignal) => Promise<string> | string,
): NodeTool => ({
  ...{ name, description: 'A tool', parameters: { type: 'object' } },
  call: async (given, { signal }) => ({
    text: await answer(given, signal),
    isError: name === 'a/fail',
    isCut: false,
  }),
})

const TOOLS: Record<string, NodeTool> = {
  'a/echo': tool('a/echo', given => `heard ${given}`),
  'a/long': tool('a/long', () => 'x'.repeat(1_000)),
  'a/fail': tool('a/fail', () => 'no'),
  'a/hang': tool(
    'a/hang',
    (_, signal) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason as Error))
      }),
  ),
}
const tools: NodeTools = {
  list: () => Object.keys(TOOLS),
  find: async (names, { tenant }) => {
    assert.equal(tenant, 'owner')
    return names.map(name => TOOLS[name]!)
  },
}

function request(
  change: Partial<CanonicalRequest> = {},
  shoal: Partial<CanonicalRequest['shoal']> = {},
): CanonicalRequest {
  return {
    ...{
      model: null,
      maxTokens: null,
      temperature: 0,
      topP: 1,
      topK: 0,
      minP: 0,
      seed: null,
      stop: [],
      n: 1,
    },
    input: { kind: 'chat', messages: [{ role: 'user', text: 'hello' }] },
    ...{ tools: [], toolChoice: 'none', responseFormat: { type: 'text' }, logprobs: null },
    shoal: { ...NO_SHOAL_OPTIONS, tools: ['a/echo', 'a/long', 'a/fail', 'a/hang'], ...shoal },
    ...change,
  } as CanonicalRequest
}

describe('answers that use tools of the node', () => {
  const run = async (
    steps: Step[],
    given = request(),
    more: {
      purse?: Purse
      limits?: Partial<typeof TOOL_LIMITS>
      clock?: ManualClock
      signal?: AbortSignal
    } = {},
  ) => {
    const inference = new ScriptedInference(steps)
    const events: InferenceEvent[] = []
    const service = new ToolInference(
      { ...TOOL_LIMITS, ...more.limits },
      { inference, tools, clock: more.clock ?? new ManualClock() },
    )
    const running = service.run(given, {
      principal: LOOPBACK,
      purse: more.purse ?? OWNER_PURSE,
      signal: more.signal ?? new AbortController().signal,
      onEvent: (_choice, event) => void events.push(event),
    })
    return { inference, events, running }
  }
  const messagesOf = (request: CanonicalRequest): readonly CanonicalMessage[] =>
    request.input.kind === 'chat' ? request.input.messages : []

  it('go from calls to results to an answer, told as one', async () => {
    const { inference, events, running } = await run([
      {
        text: 'I look.',
        calls: [
          ['a__echo', '{"a":1}'],
          ['a__fail', '{}'],
        ],
        cost: 3n,
      },
      { text: 'It is 1.', cost: 4n },
    ])
    const result = await running
    assert.equal(result.choices[0]!.text, 'I look.\n\nIt is 1.')
    assert.deepEqual([result.choices[0]!.finish, result.choices[0]!.toolCalls], ['stop', []])
    assert.deepEqual(result.usage, { promptTokens: 20, outputTokens: 4 })
    assert.equal(result.shoal.cost, formatCredits(7n))
    assert.equal(result.shoal.taskIds.length, 2)
    assert.deepEqual(result.shoal.tools, [
      { name: 'a/echo', isError: false },
      { name: 'a/fail', isError: true },
    ])
    const [first, second] = inference.requests
    assert.deepEqual([first!.toolChoice, first!.tools.map(({ name }) => name)[0]], ['auto', 'a__echo'])
    assert.deepEqual(messagesOf(second!).slice(1), [
      {
        ...{ role: 'assistant', text: 'I look.' },
        toolCalls: [
          { id: '1-0', name: 'a__echo', arguments: '{"a":1}' },
          { id: '1-1', name: 'a__fail', arguments: '{}' },
        ],
      },
      { role: 'tool', toolCallId: '1-0', text: 'heard {"a":1}' },
      { role: 'tool', toolCallId: '1-1', text: 'Error: no' },
    ])
    const said = events.flatMap(event => (event.type === 'text' ? [event.text] : []))
    assert.equal(said.join(''), result.choices[0]!.text)
    assert.deepEqual(
      events.flatMap(event => (event.type === 'cost' ? [event.amount] : [])),
      [3n, 7n],
    )
    assert.ok(events.every(({ type }) => type !== 'tool_call'))
  })

  it('require a call at most once', async () => {
    const { inference, running } = await run(
      [{ calls: [['a__echo', '{}']] }, { text: 'done' }],
      request({ toolChoice: 'required' }),
    )
    await running
    assert.deepEqual(
      inference.requests.map(({ toolChoice }) => toolChoice),
      ['required', 'auto'],
    )
  })

  it('end: the last step has no tools', async () => {
    const { inference, running } = await run([{ calls: [['a__echo', '{}']] }], request(), {
      limits: { maxSteps: 3 },
    })
    const { choices } = await running
    assert.equal(inference.requests.length, 3)
    assert.deepEqual([inference.requests[2]!.toolChoice, inference.requests[2]!.tools], ['none', []])
    assert.deepEqual([choices[0]!.finish, choices[0]!.toolCalls], ['stop', []])
  })

  it('are bounded in calls and bytes', async () => {
    const calls = Array.from({ length: 3 }, (): [string, string] => ['a__long', '{}'])
    const { inference, running } = await run([{ calls }, { text: 'done' }], request(), {
      limits: { maxCallsPerStep: 2, maxResultBytes: 1_500 },
    })
    const { shoal } = await running
    const results = messagesOf(inference.requests[1]!).flatMap(each =>
      each.role === 'tool' ? [each.text] : [],
    )
    assert.equal(results[0]!.length, 1_000)
    assert.match(results[1]!, /^Left out/)
    assert.match(results[2]!, /^Not called/)
    assert.equal(shoal.tools!.length, 2)
  })

  it('never get beyond their price, all steps together', async () => {
    const { inference, running } = await run(
      [
        { calls: [['a__echo', '{}']], cost: 4n },
        { calls: [['a__echo', '{}']], cost: 5n },
        { text: 'x', cost: 1n },
      ],
      request({}, { maxPrice: 10n }),
    )
    assert.equal((await running).shoal.cost, formatCredits(10n))
    assert.deepEqual(
      inference.requests.map(({ shoal }) => shoal.maxPrice),
      [10n, 6n, 1n],
    )
  })

  it('set money aside once and settle once', async () => {
    const told: string[] = []
    const purse: Purse = {
      reserve: async amount => {
        told.push(`reserve ${amount}`)
        return {
          limit: amount,
          spent: async total => void told.push(`spent ${total}`),
          settle: async total => void told.push(`settle ${total}`),
        }
      },
    }
    const steps = [
      { calls: [['a__echo', '{}']] as [string, string][], cost: 4n },
      { text: 'x', cost: 5n },
    ]
    await (await run(steps, request({}, { maxPrice: 10n }), { purse })).running
    assert.deepEqual(told, ['reserve 10', 'spent 4', 'spent 9', 'settle 9'])
  })

  it('are given up in time, and when nobody wants them any more', async () => {
    const clock = new ManualClock()
    const { running } = await run([{ calls: [['a__hang', '{}']] }], request(), { clock })
    const late = assert.rejects(running, { code: 'TOOL_LIMIT' })
    // The call is under way once the queue of microtasks is empty.
    await new Promise(resolve => setImmediate(resolve))
    await clock.advance(TOOL_LIMITS.maxMs)
    await late
    assert.deepEqual(clock.pendingMs(), [])

    const abort = new AbortController()
    const given = await run([{ calls: [['a__hang', '{}']] }], request(), { signal: abort.signal })
    const gone = assert.rejects(given.running, /enough/)
    await new Promise(resolve => setImmediate(resolve))
    abort.abort(new Error('enough'))
    await gone
  })

  it('are not mixed with what does not go with them', async () => {
    const own = { name: 'mine', description: null, parameters: {} }
    for (const change of [
      { tools: [own] },
      { n: 2 },
      { responseFormat: { type: 'json_object' as const } },
      { input: { kind: 'completion' as const, prompt: 'a' } },
    ])
      await assert.rejects((await run([], request(change))).running, { code: 'TOOL_BAD_REQUEST' })
  })

  it('are as ever where no tools are named', async () => {
    const { inference, running } = await run([{ text: 'plain' }], request({}, { tools: [] }))
    assert.equal((await running).choices[0]!.text, 'plain')
    assert.equal(inference.requests.length, 1)
  })
})
