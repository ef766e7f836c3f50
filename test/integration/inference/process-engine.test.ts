import assert from 'node:assert/strict'
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { EngineStatus, GenerationEvent, ModelSource, ScoredOutput } from '../../../inference/engine.ts'
import { ProcessEngine, type ProcessEngineOptions } from '../../../inference/llama/process-engine.ts'
import { TemporaryFolders } from '../../helpers/temporary.ts'
import { chat, greedy, nano, QUESTION, type Result, run } from './nano.ts'

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

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

/** Resolves when a process that is not our child has ended; the system tells nobody but its parent. */
async function ended(pid: number): Promise<void> {
  while (isAlive(pid)) await new Promise(resolve => setTimeout(resolve, 10))
}

/** Calls `then` at the `count`th output. */
function atOutput(count: number, then: () => void) {
  let seen = 0
  return (event: GenerationEvent) => {
    if (event.type !== 'output') return
    const before = seen
    seen += event.tokens.length
    if (before < count && seen >= count) then()
  }
}

describe('ProcessEngine with llama.cpp', () => {
  const folders = new TemporaryFolders()
  const engines: ProcessEngine[] = []
  let folder: string
  let model: ModelSource
  let engine: ProcessEngine
  /** The answer to QUESTION when nothing comes between. */
  let answer: Result

  const open = async (options: ProcessEngineOptions = {}) => {
    const opened = new ProcessEngine({ threads: 1, slots: 4, cacheFolder: folder, ...options })
    engines.push(opened)
    await opened.start()
    await opened.load(model)
    return opened
  }
  const kill = () => process.kill(engine.processId as number, 'SIGKILL')

  before(async () => {
    folder = await folders.make()
    model = await nano(folder)
    engine = await open()
    answer = await run(engine.generate(chat(model, QUESTION)))
  })

  after(async () => {
    const pids = engines.map(opened => opened.processId)
    await Promise.all(engines.map(opened => opened.stop()))
    for (const pid of pids) assert.ok(pid === null || !isAlive(pid), 'a process is left over')
    await folders.remove()
  })

  it('does what the engine in one process does', async () => {
    assert.match(answer.text, /Shoal/)
    assert.equal(answer.reason, 'stop')
    assert.equal(answer.outputTokens, answer.tokens.length)
    assert.deepEqual(
      [...new Set(answer.events.map(event => event.type))],
      ['start', 'prefill', 'output', 'end'],
    )
    const { state, backend, models, freeSlots, computedTokens } = engine.status()
    assert.deepEqual([state, backend?.kind !== undefined, freeSlots], ['ready', true, 4])
    assert.equal(models[0]?.id, model.id)
    assert.ok(computedTokens >= answer.outputTokens)
    const { vectors } = await engine.embed({ model: model.id, inputs: ['a', 'b'] })
    assert.deepEqual(
      vectors.map(vector => vector.length),
      [models[0].embeddingLength, models[0].embeddingLength],
    )
    const schema = { type: 'object', properties: { a: { enum: ['x', 'y'] } } }
    const json = await run(engine.generate(chat(model, QUESTION, { jsonSchema: schema })))
    assert.ok(['x', 'y'].includes(JSON.parse(json.text).a))
  })

  it('carries errors over with all they say', async () => {
    await assert.rejects(
      run(engine.generate(chat(model, 'word '.repeat(5_000)))),
      (error: { code: string; details: object }) => {
        assert.equal(error.code, 'PROMPT_TOO_LONG')
        assert.deepEqual(Object.keys(error.details), ['promptTokens', 'contextTokens'])
        return true
      },
    )
    await assert.rejects(
      run(engine.generate(chat(model, 'hi', { jsonSchema: { type: 'integer', minimum: 1 } }))),
      {
        code: 'SCHEMA_INVALID',
      },
    )
    const path = join(folder, 'garbage.gguf')
    await writeFile(path, 'no model')
    const other = { id: `g@sha256:${'0'.repeat(64)}`, path }
    await assert.rejects(engine.load(other), { code: 'MODEL_INVALID' })
    await assert.rejects(run(engine.generate(chat(other, 'hi'))), { code: 'MODEL_NOT_LOADED' })
    assert.deepEqual([engine.status().active, engine.status().crashes], [0, 0])
  })

  it('keeps to grants', async () => {
    const before = engine.status().computedTokens
    const generation = engine.generate(chat(model, 'An entirely new question?', { maxTokens: 8 }), {
      grantedTokens: 4,
    })
    let granted = 4
    const result = await run(generation, event => {
      assert.ok(engine.status().computedTokens - before <= granted)
      if (event.type === 'prefill') {
        assert.ok(event.promptTokens <= granted)
        granted = event.promptTokens + 4
        generation.grant(granted)
      } else if (event.type === 'output') generation.grant(++granted)
    })
    assert.ok(result.events.filter(event => event.type === 'prefill').length > 2)
  })

  it('goes on with what ran when its process is killed', async () => {
    const { crashes } = engine.status()
    const generation = engine.generate(chat(model, QUESTION), { grantedTokens: answer.promptTokens + 6 })
    let isKilled = false
    const result = await run(generation, async event => {
      if (event.type !== 'output' || isKilled) return
      isKilled = true
      kill()
      await reached(engine, status => status.state === 'restarting')
      generation.grant(1_000)
    })
    assert.equal(engine.status().crashes, crashes + 1)
    assert.deepEqual(result.tokens, answer.tokens)
    assert.equal(result.text, answer.text)
    assert.deepEqual([result.promptTokens, result.outputTokens], [answer.promptTokens, answer.outputTokens])
    assert.equal(result.events.filter(event => event.type === 'start').length, 1)
  })

  it('goes on with everything that ran, also JSON, when it is killed in full flight', async () => {
    const { crashes } = engine.status()
    const schema = { type: 'array', items: { enum: [1, 2, 3] }, minItems: 60, maxItems: 60 }
    const json = chat(model, QUESTION, { jsonSchema: schema, maxTokens: 900 })
    const drawn = chat(model, 'Tell me of zebras.', {
      sampling: { ...greedy, temperature: 1.5 },
      maxTokens: 40,
    })
    const whole = await run(engine.generate(drawn))
    const check = { ...drawn, output: whole.tokens }
    const scored = await engine.score(check)
    const scores: Promise<ScoredOutput>[] = []
    const results = await Promise.all([
      run(
        engine.generate(json),
        atOutput(20, () => {
          scores.push(engine.score(check))
          kill()
        }),
      ),
      run(engine.generate(chat(model, QUESTION))),
      run(engine.generate(chat(model, 'Hello!'))),
    ])
    assert.equal(engine.status().crashes, crashes + 1)
    // Beside others the last bits of the logits may be other ones.
    const again = await scores[0]
    assert.deepEqual(
      [again?.promptDigest, again?.ending, again?.text],
      [scored.promptDigest, scored.ending, whole.text],
    )
    for (const { states } of [scored, again!])
      assert.ok(states.filter(state => state === 0).length > 0.9 * whole.tokens.length)
    const [numbers, text] = results
    assert.equal(JSON.parse(numbers.text).length, 60, numbers.text)
    assert.equal(numbers.outputTokens, numbers.tokens.length)
    assert.equal(text.text, answer.text)
    await reached(engine, status => status.state === 'ready' && status.freeSlots === 4)
  })

  it('ends a process that hangs, and goes on in another', async () => {
    const watched = await open({ pingIntervalMs: 100, pingTimeoutMs: 2_000 })
    const pid = watched.processId as number
    const generation = watched.generate(chat(model, QUESTION), { grantedTokens: answer.promptTokens + 6 })
    const result = await run(
      generation,
      atOutput(1, () => {
        process.kill(pid, 'SIGSTOP')
        generation.grant(1_000)
      }),
    )
    assert.equal(result.text, answer.text)
    assert.equal(watched.status().crashes, 1)
    assert.equal(isAlive(pid), false)
  })

  it('stops computing for whoever cancels', async () => {
    const endless = chat(model, QUESTION, {
      jsonSchema: { type: 'string', minLength: 900 },
      maxTokens: 1_000,
    })
    const generation = engine.generate(endless)
    await assert.rejects(
      run(
        generation,
        atOutput(5, () => generation.cancel()),
      ),
      { code: 'CANCELLED' },
    )
    assert.equal(engine.status().active, 0)
    const before = engine.status().computedTokens
    for (let turn = 0; turn < 10; turn++) await run(engine.generate(chat(model, QUESTION)))
    const own = 10 * (answer.promptTokens + answer.outputTokens)
    // Had it gone on beside the ten, it would have made as many tokens as they did.
    const others = engine.status().computedTokens - before - own
    assert.ok(others < (10 * answer.outputTokens) / 2, `${others} more were computed`)
  })

  it('survives the signals of a terminal, which are for the node', async () => {
    const { crashes } = engine.status()
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
      process.kill(engine.processId as number, signal)
    assert.equal((await run(engine.generate(chat(model, QUESTION)))).text, answer.text)
    assert.equal(engine.status().crashes, crashes)
  })

  it('stops at once with tasks running, and leaves no process', async () => {
    const stopped = await open()
    const pid = stopped.processId as number
    const running = [1, 2, 3].map(() => run(stopped.generate(chat(model, QUESTION), { grantedTokens: 20 })))
    const cancelled = running.map(result => assert.rejects(result, { code: 'CANCELLED' }))
    await reached(stopped, status => status.active === 3)
    await Promise.all([stopped.stop(), stopped.stop()])
    await Promise.all(cancelled)
    assert.equal(isAlive(pid), false)
    assert.equal(stopped.processId, null)
    await assert.rejects(run(stopped.generate(chat(model, QUESTION))), { code: 'ENGINE_UNAVAILABLE' })
  })

  it('ends when the node is killed, however much it has to do', async function () {
    // The work would keep it busy for much longer.
    this.timeout(30_000)
    const script = join(folder, 'node.mjs')
    const module = new URL('../../../inference/llama/process-engine.ts', import.meta.url)
    const endless = chat(model, QUESTION, {
      jsonSchema: { type: 'string', minLength: 900 },
      maxTokens: 1_000,
    })
    await writeFile(
      script,
      `import { ProcessEngine } from ${JSON.stringify(module.href)}
       const engine = new ProcessEngine({ gpu: false, threads: 1, slots: 1, maxQueued: 200, cacheFolder: ${JSON.stringify(folder)} })
       await engine.start()
       await engine.load(${JSON.stringify(model)})
       for (let task = 0; task < 200; task++) {
         void (async () => { for await (const event of engine.generate(${JSON.stringify(endless)})) if (event.type === 'output') process.send(engine.processId) })()
       }`,
    )
    const node = fork(script, { execArgv: [] })
    const [pid] = (await once(node, 'message')) as [number]
    assert.ok(isAlive(pid))
    node.kill('SIGKILL')
    await once(node, 'exit')
    await ended(pid)
  })

  it('keeps native code out of the process of the node', async () => {
    const script = join(folder, 'imports.mjs')
    const modules = ['llama/process-engine.ts', 'models/catalog.ts'].map(
      path => new URL(`../../../inference/${path}`, import.meta.url).href,
    )
    await writeFile(
      script,
      `import { registerHooks } from 'node:module'
       const loaded = []
       registerHooks({ load(url, context, next) { loaded.push(url); return next(url, context) } })
       for (const module of ${JSON.stringify(modules)}) await import(module)
       process.send(loaded)`,
    )
    const node = fork(script, { execArgv: [] })
    const [loaded] = (await once(node, 'message')) as [string[]]
    assert.ok(loaded.some(url => url.endsWith('process-engine.ts')))
    assert.deepEqual(
      loaded.filter(url => url.includes('node-llama-cpp')),
      [],
    )
  })

  it('gets no secrets', async function () {
    if (process.platform !== 'linux') return this.skip()
    process.env.SHOAL_TEST_PASSWORD = 'hunter2'
    process.env.HF_TOKEN = 'hunter2'
    try {
      const other = await open()
      const environment = await readFile(`/proc/${other.processId}/environ`, 'utf8')
      assert.ok(!environment.includes('hunter2'))
      assert.ok(environment.includes('PATH='))
    } finally {
      delete process.env.SHOAL_TEST_PASSWORD
      delete process.env.HF_TOKEN
    }
  })
})
