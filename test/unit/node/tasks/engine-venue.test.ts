import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import type { ServerResponse } from 'node:http'
import { join } from 'node:path'
import type { Logger } from '../../../../node/log.ts'
import { Clearance } from '../../../../node/market/clearance.ts'
import { DEFAULT_PREFERENCES } from '../../../../node/market/preferences.ts'
import type { Candidate } from '../../../../node/market/routing/candidate.ts'
import { type CloudId, CloudServices } from '../../../../node/market/venues/cloud-services.ts'
import { CloudSpending } from '../../../../node/payments/cloud-spending.ts'
import { SpendingLimit } from '../../../../node/payments/spending.ts'
import { Store } from '../../../../node/store/store.ts'
import type { AttemptSpending } from '../../../../node/tasks/ask.ts'
import type { AttemptEvent } from '../../../../node/tasks/attempt.ts'
import { EngineVenue } from '../../../../node/tasks/engine-venue.ts'
import type { AttemptOrder, AttemptReport } from '../../../../node/tasks/venue.ts'
import { CREDIT } from '../../../../protocol/money.ts'
import { silentLog } from '../../../helpers/hosts.ts'
import { ManualClock } from '../../../helpers/manual-clock.ts'
import {
  OpenAiServer,
  part,
  refuses,
  saysAndStalls,
  silent,
  streamed,
} from '../../../helpers/openai-server.ts'
import { GREEDY } from '../../../helpers/samples.ts'
import { TemporaryFolders } from '../../../helpers/temporary.ts'
import { waitUntil } from '../../../helpers/wait.ts'

const LIMIT = CREDIT
/** Of the prompt's bound and all output, at the prices below: 1,000 × 1 + 32 × 2 per million. */
const WORST = (1_064n * CREDIT) / 1_000_000n

describe('an attempt at a cloud service', () => {
  const server = new OpenAiServer()
  const folders = new TemporaryFolders()
  let clock: ManualClock
  let store: Store
  let spending: CloudSpending
  let limit: SpendingLimit
  let cloud: CloudServices
  let venue: EngineVenue
  let events: AttemptEvent[]
  let warnings: unknown[]

  before(() => server.start())
  after(async () => {
    await server.stop()
    await folders.remove()
  })
  beforeEach(async () => {
    const folder = await folders.make()
    const file = join(folder, 'services.json')
    const model = {
      ...{ model: 'big', input: '1', output: '2', contextTokens: 4_096, continues: 'plain' },
      kinds: ['chat', 'embedding'],
    }
    await writeFile(
      file,
      JSON.stringify({
        services: [{ name: 'example', url: server.url, keyEnv: 'KEY', dataClass: 'SHARED', models: [model] }],
      }),
    )
    clock = new ManualClock()
    store = await Store.open(join(folder, 'store'))
    limit = new SpendingLimit({ limitPerDay: LIMIT }, { store, clock })
    const environment = { KEY: 'sk-example' }
    cloud = await CloudServices.open(file, { environment, clock, random: () => 0.5, onTrouble: () => {} })
    await cloud.start()
    const clearance = new Clearance(
      { allow: [], minStake: 0n, enclaveAttesters: [] },
      {
        isWelcome: () => true,
        standing: () => null,
        certifierOf: () => null,
        attestationOf: () => null,
        serviceClass: id => cloud.classOf(id),
        clock,
      },
    )
    warnings = []
    const log = {
      ...silentLog,
      debug: () => {},
      warn: (what: unknown) => warnings.push(what),
    } as unknown as Logger
    spending = new CloudSpending({ limit, store, clock })
    venue = new EngineVenue(
      { stallTimeoutMs: 5_000 },
      {
        engineOf: id => cloud.engineOf(id as CloudId),
        clearance,
        spending,
        clock,
        log,
      },
    )
    server.asked.length = 0
    events = []
  })
  afterEach(async () => {
    await cloud.stop()
    await store.close()
  })

  function order(changes: Partial<AttemptOrder> = {}): AttemptOrder {
    const [listing] = cloud.listings()
    const prediction = { ttftMs: 500, tokensPerSecond: 50 } as Candidate['prediction']
    const candidate = {
      ...listing!,
      prediction,
      score: 1,
      features: [],
      probability: 1,
    } as Candidate
    return {
      taskId: 'ab'.repeat(16),
      attempt: 0,
      choice: { candidate, decisionId: 'd', price: listing!.model, mode: 'on-demand', award: null },
      ask: {
        input: { kind: 'chat', messages: [{ role: 'user', content: 'How many fish?' }] },
        model: null,
        maxTokens: 32,
        maxPrice: null,
        sampling: GREEDY,
        stop: [],
        jsonSchema: null,
        preferences: DEFAULT_PREFERENCES,
      },
      progress: { text: '', tokens: [], model: null, outputTokens: 0 },
      maxTokens: 32,
      promptTokensBound: 1_000,
      maxAmount: WORST,
      deadlineAtMs: null,
      onEvent: event => events.push(event as AttemptEvent),
      ...changes,
    }
  }

  const spent = () => LIMIT - limit.remaining()

  /** Lets time pass until it has ended. */
  async function passing(running: Promise<AttemptReport>): Promise<AttemptReport> {
    let ended = false
    void running.finally(() => {
      ended = true
    })
    await waitUntil('it has ended', async () => {
      await clock.advance(250)
      return ended
    })
    return running
  }

  it('is an attempt like any other, and costs what the service counts', async () => {
    const report = await venue.run(order(), new AbortController().signal)
    // 12 × 1 + 3 × 2 per million.
    assert.deepEqual(report, {
      outcome: { kind: 'finished', reason: 'stop' },
      paid: (18n * CREDIT) / 1_000_000n,
    })
    assert.equal(spent(), report.paid)
    assert.equal(events.map(event => (event.type === 'output' ? event.text : '')).join(''), 'four fish swim')
    assert.deepEqual(events[0], { type: 'accepted', promptTokens: 8, isEstimate: true })
    assert.deepEqual(events.at(-1), { type: 'counted', promptTokens: 12, outputTokens: 3, surplus: -2 })
    assert.deepEqual(server.asked[0]!.headers.authorization, 'Bearer sk-example')
  })

  it('embeds, and costs what the service counts', async () => {
    const answer = (response: ServerResponse) =>
      response.setHeader('content-type', 'application/json').end(
        JSON.stringify({
          data: [
            { index: 1, embedding: [0, 1] },
            { index: 0, embedding: [1, 0] },
          ],
          usage: { prompt_tokens: 9 },
        }),
      )
    server.next(answer)
    const embedding = order({ maxTokens: 1 })
    embedding.ask.input = { kind: 'embedding', inputs: ['one', 'three four', 'five'] }
    embedding.progress = { ...embedding.progress, vectors: [Float32Array.of(2, 2)], vectorTokens: 1 }
    const report = await venue.run(embedding, new AbortController().signal)
    assert.deepEqual(report, {
      outcome: { kind: 'finished', reason: 'stop' },
      paid: (9n * CREDIT) / 1_000_000n,
    })
    assert.equal(spent(), report.paid)
    const vectors = events.flatMap(event => (event.type === 'vectors' ? event.vectors : []))
    assert.deepEqual(vectors, [Float32Array.of(1, 0), Float32Array.of(0, 1)])
    assert.deepEqual(
      [server.asked[0]!.url, server.asked[0]!.body.input],
      ['/v1/embeddings', ['three four', 'five']],
    )
    assert.deepEqual(events.at(-1), { type: 'counted', promptTokens: 9, outputTokens: 0, surplus: 0 })
  })

  it('waits for whoever pays in the end, and takes nothing more until then', async () => {
    const asked: AttemptSpending[] = []
    const paid = Promise.withResolvers<void>()
    const { ask } = order()
    const cover = async (spending: AttemptSpending) => {
      asked.push(spending)
      if (asked.length === 2) await paid.promise
    }
    const running = venue.run(order({ ask: { ...ask, cover } }), new AbortController().signal)
    await waitUntil('it is asked twice', () => asked.length === 2)
    const shown = () => events.filter(({ type }) => type === 'output').length
    // What it waits for is not the service's fault.
    await clock.advance(120_000)
    assert.equal(shown(), 2)
    paid.resolve()
    assert.deepEqual((await passing(running)).outcome, { kind: 'finished', reason: 'stop' })
    assert.equal(shown(), 3)
    assert.equal(asked.length, 3)
    for (const [i, { attempt, provider, promptTokens, outputTokens, amount }] of asked.entries()) {
      assert.deepEqual([attempt, provider, promptTokens], [0, 'cloud:example', 8])
      // At the prices of the service, 1 and 2 per million.
      assert.equal(amount, (BigInt(8 + 2 * outputTokens) * CREDIT) / 1_000_000n)
      assert.ok(i === 0 || outputTokens > asked[i - 1]!.outputTokens)
    }
  })

  it('remembers what was spent over a restart, and the most it can be while it runs', async () => {
    server.next(silent)
    const running = venue.run(order(), new AbortController().signal)
    await waitUntil('it is asked', () => server.asked.length === 1)
    const after = new SpendingLimit({ limitPerDay: LIMIT }, { store, clock })
    await after.start()
    // What is written ahead for other tasks counts until it is known to be free.
    assert.ok(after.remaining() <= LIMIT - WORST)
    assert.ok(after.remaining() >= LIMIT - WORST - LIMIT / 16n)
    assert.deepEqual((await passing(running)).outcome, { kind: 'failed', why: 'stalled' })
    await spending.stop()
    const later = new SpendingLimit({ limitPerDay: LIMIT }, { store, clock })
    await later.start()
    assert.equal(later.remaining(), LIMIT)
  })

  it('asks for nothing that could cost more than is left of the cap or the limit', async () => {
    const dear = await venue.run(order({ maxAmount: WORST - 1n }), new AbortController().signal)
    assert.deepEqual(dear, { outcome: { kind: 'failed', why: 'too_expensive' }, paid: 0n })
    limit.take(LIMIT, 'something else')
    const poor = await venue.run(order(), new AbortController().signal)
    assert.deepEqual(poor.outcome, { kind: 'failed', why: 'unfunded' })
    assert.equal((poor.unfunded as { code?: string } | undefined)?.code, 'SPENDING_LIMIT')
    assert.equal(server.asked.length, 0)
  })

  it('counts no more than was set aside, and says when a service counted more', async () => {
    server.next(streamed(['a'], { usage: { prompt_tokens: 900_000, completion_tokens: 5 } }))
    const { paid } = await venue.run(order(), new AbortController().signal)
    assert.equal(paid, WORST)
    assert.equal(warnings.length, 1)
  })

  it('pays for what came when it is cancelled, and when the service falls silent', async () => {
    const stalls = saysAndStalls(asked => `data: ${part(asked, 'eight letters')}\n\n`)
    server.next(stalls, stalls)
    const cancel = new AbortController()
    const running = venue.run(
      order({ onEvent: ({ type }) => type === 'output' && cancel.abort() }),
      cancel.signal,
    )
    // Eight tokens of prompt, four of output, as far as can be told.
    assert.deepEqual(await running, { outcome: { kind: 'cancelled' }, paid: (16n * CREDIT) / 1_000_000n })
    const stalled = await passing(venue.run(order({ attempt: 1 }), new AbortController().signal))
    assert.deepEqual(stalled, {
      outcome: { kind: 'failed', why: 'stalled' },
      paid: (16n * CREDIT) / 1_000_000n,
    })
    assert.equal(spent(), (32n * CREDIT) / 1_000_000n)
  })

  for (const [status, code] of [
    [401, 'not_serving'],
    [404, 'model_unavailable'],
    [413, 'prompt_too_long'],
    [422, 'bad_request'],
  ] as const) {
    it(`costs nothing when the service answers ${status}`, async () => {
      server.next(refuses(status, {}))
      const { outcome, paid } = await venue.run(order(), new AbortController().signal)
      assert.equal(outcome.kind === 'refused' && outcome.code, code)
      assert.equal(paid, 0n)
      assert.equal(spent(), 0n)
    })
  }

  it('goes on from what came elsewhere', async () => {
    const progress = { text: 'Four', tokens: [1, 2], model: 'other@sha256:00', outputTokens: 2 }
    await venue.run(order({ progress }), new AbortController().signal)
    assert.deepEqual((server.asked[0]!.body.messages as unknown[]).at(-1), {
      role: 'assistant',
      content: 'Four',
    })
  })

  it('sends nothing that is not cleared for the service', async () => {
    for (const dataClass of ['CONFIDENTIAL', 'PRIVATE'] as const) {
      const given = order()
      const ask = { ...given.ask, preferences: { ...DEFAULT_PREFERENCES, dataClass } }
      const report = await venue.run({ ...given, ask }, new AbortController().signal)
      assert.equal(report.outcome.kind === 'refused' && report.outcome.code, 'data_class')
    }
    assert.equal(server.asked.length, 0)
    const [local] = cloud.listings()
    const [engine] = [cloud.engineOf('cloud:example')!]
    const forLocal = new Clearance(
      { allow: [], minStake: 0n, enclaveAttesters: [] },
      {
        isWelcome: () => true,
        standing: () => null,
        certifierOf: () => null,
        attestationOf: () => null,
        serviceClass: () => null,
        clock,
      },
    ).clear(
      {
        ...{ dataClass: 'PRIVATE', model: local!.model.model, input: order().ask.input, continuation: null },
        ...{ maxTokens: 1, sampling: order().ask.sampling, stop: [], jsonSchema: null },
      } as const as never,
      { provider: 'local', offer: null },
    )
    assert.throws(() => engine.run(forLocal), /another recipient/)
    assert.equal(server.asked.length, 0)
  })
})
