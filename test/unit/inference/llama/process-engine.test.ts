import assert from 'node:assert/strict'
import type { EngineStatus, GenerationEvent } from '../../../../inference/engine.ts'
import type { EngineProcess, EngineProcessListeners } from '../../../../inference/llama/engine-process.ts'
import type { IpcGenerationEvent, ToEngine } from '../../../../inference/llama/ipc-messages.ts'
import { ProcessEngine, type ProcessEngineOptions } from '../../../../inference/llama/process-engine.ts'
import { seedOf } from '../../../helpers/seed.ts'

const source = { id: `m@sha256:${'a'.repeat(64)}`, path: '/m.gguf' }
const description = {
  ...source,
  architecture: 'qwen3',
  parameterCount: 1,
  quantization: 'F32',
  contextTokens: 1_024,
  slots: 2,
  chatTemplateDigest: null,
  embeddingLength: 8,
  threads: 1,
  measuredTokensPerSecond: 100,
}
const request = {
  model: source.id,
  input: { kind: 'completion' as const, prompt: 'p' },
  maxTokens: 10,
  sampling: { temperature: 0, topP: 1, topK: 0, minP: 0, seed: seedOf(1) },
  stop: [],
}

type Behaviour = (message: ToEngine, process: FakeProcess) => void

/** An engine process that does what the test tells it: by default it starts, loads and answers pings. */
class FakeProcess implements EngineProcess {
  readonly pid = 1
  readonly received: ToEngine[] = []
  readonly exited: EngineProcess['exited']
  readonly #listeners: EngineProcessListeners
  readonly #behaviour: Behaviour
  #exit: (how: string) => void = () => {}

  constructor(listeners: EngineProcessListeners, behaviour: Behaviour) {
    this.#listeners = listeners
    this.#behaviour = behaviour
    this.exited = new Promise(resolve => {
      this.#exit = how => resolve({ how, lastOutput: 'ggml_abort' })
    })
  }

  send(message: ToEngine): void {
    this.received.push(message)
    // As over a real channel, nothing is answered within the call.
    setImmediate(() => this.#behaviour(message, this))
  }

  kill(): void {
    this.die('signal SIGKILL')
  }

  die(how = 'signal SIGSEGV'): void {
    this.#exit(how)
  }

  answer(message: Parameters<EngineProcessListeners['onMessage']>[0]): void {
    this.#listeners.onMessage(message)
  }

  event(generation: number, event: IpcGenerationEvent): void {
    this.answer({ type: 'events', computedTokens: 1, items: [{ generation, event }] })
  }
}

const obedient: Behaviour = (message, process) => {
  if (message.type === 'start')
    process.answer({ type: 'ready', backend: { kind: 'cpu', devices: [], release: 'b1' } })
  if (message.type === 'load') process.answer({ type: 'loaded', call: message.call, model: description })
  if (message.type === 'unload') process.answer({ type: 'unloaded', call: message.call })
  if (message.type === 'ping') {
    process.answer({ type: 'pong', ping: message.ping, computedTokens: 0, isComputing: false })
  }
}

function setUp(behaviours: Behaviour[] = [], options: ProcessEngineOptions = {}) {
  const processes: FakeProcess[] = []
  const engine = new ProcessEngine(options, {
    startProcess: listeners => {
      const process = new FakeProcess(
        listeners,
        behaviours[processes.length] ?? behaviours.at(-1) ?? obedient,
      )
      processes.push(process)
      return process
    },
  })
  return { engine, processes }
}

/** Resolves when the status is as wanted. */
function reached(engine: ProcessEngine, isWanted: (status: EngineStatus) => boolean): Promise<void> {
  return new Promise(resolve => {
    if (isWanted(engine.status())) return resolve()
    const off = engine.onStatus(status => {
      if (!isWanted(status)) return
      off()
      resolve()
    })
  })
}

async function collect(generation: AsyncIterable<GenerationEvent>): Promise<GenerationEvent[]> {
  const events: GenerationEvent[] = []
  for await (const event of generation) events.push(event)
  return events
}

describe('ProcessEngine', () => {
  let engine: ProcessEngine
  let processes: FakeProcess[]

  const begin = async (behaviours: Behaviour[] = [], options: ProcessEngineOptions = {}) => {
    const made = setUp(behaviours, options)
    engine = made.engine
    processes = made.processes
    await engine.start()
    await engine.load(source)
  }

  afterEach(async () => {
    await engine.stop()
  })

  it('starts once and stops once', async () => {
    ;({ engine, processes } = setUp())
    await Promise.all([engine.start(), engine.start()])
    assert.equal(processes.length, 1)
    assert.equal(engine.status().state, 'ready')
    await Promise.all([engine.stop(), engine.stop()])
    assert.equal(engine.status().state, 'stopped')
    await assert.rejects(engine.load(source), { code: 'ENGINE_UNAVAILABLE' })
    await engine.start()
    assert.equal(processes.length, 2)
  })

  it('says what a process that cannot start said', async () => {
    ;({ engine } = setUp([(_, process) => process.die('exit code 1')]))
    await assert.rejects(engine.start(), error => {
      const { code, details } = error as { code: string; details: { lastOutput: string } }
      assert.equal(code, 'ENGINE_UNAVAILABLE')
      assert.match(details.lastOutput, /ggml_abort/)
      return true
    })
    assert.equal(engine.status().state, 'stopped')
  })

  it('counts slots and the queue without asking the process', async () => {
    await begin([], { maxQueued: 1 })
    const running = [engine.generate(request), engine.generate(request), engine.generate(request)]
    const ends = running.map(generation => assert.rejects(collect(generation), { code: 'CANCELLED' }))
    assert.deepEqual(pick(engine.status()), { active: 2, queued: 1, freeSlots: 0 })
    await assert.rejects(collect(engine.generate(request)), { code: 'ENGINE_BUSY' })
    running[0]?.cancel()
    assert.deepEqual(pick(engine.status()), { active: 2, queued: 0, freeSlots: 0 })
    running[1]?.cancel()
    running[2]?.cancel()
    await Promise.all(ends)
    assert.deepEqual(pick(engine.status()), { active: 0, queued: 0, freeSlots: 2 })
  })

  it('loads its models again after a crash, and goes on', async () => {
    await begin()
    const events = collect(engine.generate(request))
    const [first] = processes as [FakeProcess]
    const { generation } = await receivedGenerate(first)
    first.event(generation, { type: 'start', promptTokens: 3, promptDigest: null })
    first.event(generation, { type: 'output', tokens: [1], text: 'a' })
    first.die()
    await reached(engine, status => status.state === 'restarting')
    assert.equal(engine.status().freeSlots, 0)
    await reached(engine, status => status.state === 'ready')
    const second = processes[1] as FakeProcess
    const again = await receivedGenerate(second)
    assert.deepEqual(again.resumption, { tokens: [1], text: 'a' })
    assert.deepEqual(
      second.received.map(message => message.type),
      ['start', 'load', 'generate'],
    )
    // What the dead process may still have had on its way is not heard any more.
    first.event(generation, { type: 'output', tokens: [9], text: 'z' })
    second.event(again.generation, { type: 'output', tokens: [2], text: 'b' })
    second.event(again.generation, { type: 'end', reason: 'stop', promptTokens: 4, outputTokens: 1 })
    assert.deepEqual((await events).at(-1), { type: 'end', reason: 'stop', promptTokens: 3, outputTokens: 2 })
    assert.equal(engine.status().crashes, 1)
  })

  it('takes work while it restarts', async () => {
    await begin()
    processes[0]?.die()
    await reached(engine, status => status.state === 'restarting')
    const events = collect(engine.generate(request))
    await reached(engine, status => status.state === 'ready')
    const second = processes[1] as FakeProcess
    const { generation } = await receivedGenerate(second)
    second.event(generation, { type: 'start', promptTokens: 3, promptDigest: null })
    second.event(generation, { type: 'end', reason: 'length', promptTokens: 3, outputTokens: 0 })
    assert.equal((await events).length, 2)
  })

  it('gives up work that outlives too many crashes', async () => {
    const deadly: Behaviour = (message, process) => {
      if (message.type === 'generate') process.die()
      else obedient(message, process)
    }
    await begin([deadly])
    await assert.rejects(collect(engine.generate(request)), { code: 'ENGINE_CRASHED' })
    assert.equal(engine.status().crashes, 4)
    await reached(engine, status => status.state === 'ready')
  })

  it('does not try again a file that kills the process while it is loaded', async () => {
    let loads = 0
    const deadly: Behaviour = (message, process) => {
      if (message.type === 'load' && message.source.path === '/deadly.gguf') {
        loads += 1
        process.die()
      } else obedient(message, process)
    }
    await begin([deadly])
    await assert.rejects(engine.load({ id: `d@sha256:${'d'.repeat(64)}`, path: '/deadly.gguf' }), {
      code: 'ENGINE_CRASHED',
    })
    await reached(engine, status => status.state === 'ready')
    assert.equal(loads, 1)
    assert.deepEqual(
      engine.status().models.map(model => model.id),
      [source.id],
    )
  })

  it('drops a model that cannot be loaded again, and keeps the others', async () => {
    const other = { id: `o@sha256:${'b'.repeat(64)}`, path: '/o.gguf' }
    const forgetful: Behaviour = (message, process) => {
      if (message.type === 'load' && message.source.id === source.id) {
        const failure = { code: 'MODEL_INVALID' as const, message: 'gone', fix: null, details: {} }
        process.answer({ type: 'refused', call: message.call, failure })
      } else if (message.type === 'load') {
        process.answer({ type: 'loaded', call: message.call, model: { ...description, ...other } })
      } else obedient(message, process)
    }
    await begin([obedient, forgetful])
    await engine.load(other)
    processes[0]?.die()
    await reached(engine, status => status.state === 'restarting')
    await reached(engine, status => status.state === 'ready')
    assert.deepEqual(
      engine.status().models.map(model => model.id),
      [other.id],
    )
    await assert.rejects(collect(engine.generate(request)), { code: 'MODEL_NOT_LOADED' })
  })

  it('ends a process that does not answer', async () => {
    const deaf: Behaviour = (message, process) => {
      if (message.type !== 'ping') obedient(message, process)
    }
    await begin([deaf, obedient], { pingIntervalMs: 10, pingTimeoutMs: 200 })
    await reached(engine, status => status.crashes === 1 && status.state === 'ready')
  })

  it('ends a process that answers but does not get on', async () => {
    const stuck: Behaviour = (message, process) => {
      if (message.type === 'ping') {
        process.answer({ type: 'pong', ping: message.ping, computedTokens: 5, isComputing: true })
      } else obedient(message, process)
    }
    await begin([stuck, obedient], { pingIntervalMs: 10, pingTimeoutMs: 10_000, stallTimeoutMs: 200 })
    await reached(engine, status => status.crashes === 1 && status.state === 'ready')
  })

  it('asks for an embedding again after a crash', async () => {
    let isFirst = true
    const flaky: Behaviour = (message, process) => {
      if (message.type !== 'embed') return obedient(message, process)
      if (isFirst) process.die()
      else
        process.answer({
          type: 'embedded',
          call: message.call,
          vectors: [Float32Array.of(1)],
          inputTokens: 2,
        })
      isFirst = false
    }
    await begin([flaky])
    const embedding = await engine.embed({ model: source.id, inputs: ['x'] })
    assert.deepEqual(embedding, { vectors: [Float32Array.of(1)], inputTokens: 2 })
  })

  describe('checking an output', () => {
    const scored = {
      promptTokens: 1,
      promptDigest: `0x${'0'.repeat(64)}`,
      margins: Float32Array.of(0, Number.POSITIVE_INFINITY),
      logProbs: Float32Array.of(-0.5, Number.NEGATIVE_INFINITY),
      states: Uint8Array.of(0, 3),
      endsTurn: false,
      ending: null,
      text: 'ab',
      elapsedMs: 1.5,
      computedTokens: 2,
    }

    it('is done again after a crash', async () => {
      const flaky: Behaviour = (message, process) => {
        if (message.type !== 'score') return obedient(message, process)
        assert.deepEqual(message.request, { ...request, output: [5, 6] })
        if (process === processes[0]) process.die()
        else process.answer({ type: 'scored', call: message.call, computedTokens: 9, output: scored })
      }
      await begin([flaky])
      assert.deepEqual(await engine.score({ ...request, output: [5, 6] }), scored)
      assert.deepEqual([engine.status().crashes, engine.status().computedTokens], [1, 9])
    })

    it('is measured again after a crash', async () => {
      const measured = {
        ...{ loss: 2, tokens: 1, exactRows: 0, elapsedMs: 1, computedTokens: 2 },
        rows: [{ loss: 2, tokens: 1, isExact: false, isCut: false }],
      }
      const flaky: Behaviour = (message, process) => {
        if (message.type !== 'measureLoss') return obedient(message, process)
        if (process === processes[0]) process.die()
        else process.answer({ type: 'measured', call: message.call, computedTokens: 9, output: measured })
      }
      await begin([flaky])
      const rows = [{ prompt: 'a', completion: 'b' }]
      assert.deepEqual(await engine.measureLoss({ model: request.model, rows }), measured)
      assert.equal(engine.status().crashes, 1)
      assert.equal(engine.status().active, 0)
    })

    it('is given up when it outlives too many crashes', async () => {
      const deadly: Behaviour = (message, process) => {
        if (message.type === 'score') process.die()
        else obedient(message, process)
      }
      await begin([deadly])
      await assert.rejects(engine.score({ ...request, output: [] }), { code: 'ENGINE_CRASHED' })
      assert.deepEqual(pick(engine.status()), { active: 0, queued: 0, freeSlots: 0 })
      await reached(engine, status => status.state === 'ready')
    })

    it('takes a slot, but keeps no generation out', async () => {
      await begin([], { maxQueued: 0 })
      const controller = new AbortController()
      const scores = [1, 2].map(() => engine.score({ ...request, output: [] }, { signal: controller.signal }))
      const ends = scores.map(score => assert.rejects(score, { code: 'CANCELLED' }))
      assert.deepEqual(pick(engine.status()), { active: 2, queued: 0, freeSlots: 0 })
      const generation = engine.generate(request)
      const ended = assert.rejects(collect(generation), { code: 'CANCELLED' })
      await receivedGenerate(processes[0]!)
      generation.cancel()
      controller.abort()
      await Promise.all([...ends, ended])
      assert.deepEqual(pick(engine.status()), { active: 0, queued: 0, freeSlots: 2 })
      assert.equal(processes[0]!.received.filter(({ type }) => type === 'abort').length, 2)
      await assert.rejects(engine.score({ ...request, model: 'none', output: [] }), {
        code: 'MODEL_NOT_LOADED',
      })
    })
  })

  it('cancels what runs when it is stopped', async () => {
    await begin()
    const running = assert.rejects(collect(engine.generate(request)), { code: 'CANCELLED' })
    const embedding = assert.rejects(engine.embed({ model: source.id, inputs: ['x'] }), { code: 'CANCELLED' })
    const score = assert.rejects(engine.score({ ...request, output: [1] }), { code: 'CANCELLED' })
    await engine.stop()
    await Promise.all([running, embedding, score])
    assert.deepEqual(pick(engine.status()), { active: 0, queued: 0, freeSlots: 0 })
  })

  it('stops while it restarts', async () => {
    await begin()
    processes[0]?.die()
    await reached(engine, status => status.state === 'restarting')
    await engine.stop()
    assert.equal(engine.status().state, 'stopped')
    assert.equal(processes.length, 1)
  })

  it('lets one caller cancel a load that another still wants', async () => {
    const slow: Behaviour = (message, process) => {
      if (message.type !== 'load') return obedient(message, process)
      setImmediate(() => obedient(message, process))
    }
    ;({ engine, processes } = setUp([slow]))
    await engine.start()
    const controller = new AbortController()
    const cancelled = assert.rejects(engine.load(source, { signal: controller.signal }), {
      code: 'CANCELLED',
    })
    const wanted = engine.load(source)
    controller.abort()
    await cancelled
    assert.equal((await wanted).id, source.id)
  })
})

function pick({ active, queued, freeSlots }: EngineStatus) {
  return { active, queued, freeSlots }
}

/** The newest request for a generation that a process has received. */
async function receivedGenerate(process: FakeProcess): Promise<Extract<ToEngine, { type: 'generate' }>> {
  while (true) {
    const message = process.received.findLast(message => message.type === 'generate')
    if (message !== undefined) return message
    await new Promise(resolve => setImmediate(resolve))
  }
}
