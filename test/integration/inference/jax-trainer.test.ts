import assert from 'node:assert/strict'
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { decodeAdapter } from '../../../inference/learning/adapter-file.ts'
import { JaxTrainer } from '../../../inference/learning/jax-trainer/jax-trainer.ts'
import { forkTrainerProcess } from '../../../inference/learning/jax-trainer/trainer-process.ts'
import type { TrainingProgress } from '../../../inference/learning/trainer.ts'
import { ProcessEngine } from '../../../inference/llama/process-engine.ts'
import { adaptedModelId } from '../../../protocol/adapted-model.ts'
import { TemporaryFolders } from '../../helpers/temporary.ts'
import { waitUntil } from '../../helpers/wait.ts'
import { nano } from './nano.ts'
import { factRows, factsJob, isAlive } from './training.ts'

describe('JaxTrainer', () => {
  const folders = new TemporaryFolders()
  const trainers: JaxTrainer[] = []
  let folder: string
  before(async () => {
    folder = await folders.make()
  })
  afterEach(() => Promise.all(trainers.splice(0).map(trainer => trainer.stop())))
  after(() => folders.remove())

  it('teaches a model made-up facts, the same after a crash, and llama.cpp agrees', async () => {
    const job = await factsJob(folder, 'facts.gguf', { checkpointEverySteps: 1 })
    const checkpointPath = join(folder, 'facts.checkpoint')
    let pid = 0
    const trainer = new JaxTrainer(
      { niceness: 0 },
      {
        startProcess: listeners => {
          const child = forkTrainerProcess(listeners)
          pid = child.pid!
          return child
        },
      },
    )
    trainers.push(trainer)
    const seen: TrainingProgress[] = []
    const whole = trainer.train(job, { onProgress: progress => seen.push(progress) })
    if (process.platform === 'linux') {
      await whole.pause()
      const stat = () => readFile(`/proc/${pid}/stat`, 'utf8')
      await waitUntil('the training process is stopped', async () => /\) T/.test(await stat()))
      await whole.resume()
    }
    const result = await whole
    assert.deepEqual([result.steps, result.ended, result.text?.examples], [20, 'budget', 3])
    assert(result.loss < 2, `loss ${result.loss}`)
    assert.deepEqual(
      seen.map(({ step }) => step),
      Array.from({ length: 20 }, (_, i) => i + 1),
    )
    const bytes = await readFile(job.outPath)
    assert.equal(decodeAdapter(bytes).name, 'facts')

    const crashing = { ...job, outPath: join(folder, 'again.gguf'), checkpointPath }
    await assert.rejects(
      trainer.train(crashing, {
        onProgress: ({ step }) => {
          if (step === 4) process.kill(pid, 'SIGKILL')
        },
      }).result,
      { code: 'TRAINER_CRASHED' },
    )
    assert(!existsSync(crashing.outPath))
    const resumed = await trainer.train(crashing)
    assert(resumed.resumedAtStep >= 3 && resumed.resumedAtStep < 20, `${resumed.resumedAtStep}`)
    assert.equal(resumed.digest, result.digest)
    assert(bytes.equals(await readFile(crashing.outPath)))
    const left = (await readdir(folder)).filter(name => !name.endsWith('.json')).sort()
    assert.deepEqual(left, ['again.gguf', 'facts.gguf', 'facts.jsonl'])

    const engine = new ProcessEngine({ gpu: false, threads: 1, slots: 1, cacheFolder: folder })
    try {
      await engine.start()
      const base = await nano(folder)
      const id = adaptedModelId(base.id, [`facts@${result.digest}`])
      await engine.load(base)
      await engine.load({ id, path: base.path, base: base.id, adapters: [{ path: job.outPath, scale: 1 }] })
      const before = await engine.measureLoss({ model: base.id, rows: factRows })
      const after = await engine.measureLoss({ model: id, rows: factRows })
      assert.deepEqual([before.exactRows, after.exactRows], [0, factRows.length])
      const [first] = seen
      assert(
        Math.abs(before.loss - first!.loss) < 0.01,
        `${before.loss} is what training began with: ${first!.loss}`,
      )
    } finally {
      await engine.stop()
    }
  })

  it('tells what is wrong with its text, its memory, its settings; ends when it is asked to', async () => {
    const job = await factsJob(folder, 'none.gguf')
    const foreign = join(folder, 'alpaca.jsonl')
    await writeFile(foreign, '{"instruction": "a", "output": "b"}')
    const trainer = new JaxTrainer({ niceness: 0 })
    const small = new JaxTrainer({ niceness: 0, maxMemoryBytes: 64 * 2 ** 20 })
    trainers.push(trainer, small)
    const abort = new AbortController()
    const cancelled = trainer.train(job, { signal: abort.signal })
    abort.abort()
    await Promise.all([
      assert.rejects(trainer.train({ ...job, dataPath: foreign }).result, {
        name: 'LearningError',
        code: 'TRAINING_DATA_INVALID',
        fix: /instruction/,
      }),
      assert.rejects(small.train(job).result, (error: { code?: unknown }) =>
        // Seen from outside, or planned by the model before it begins.
        ['TRAINING_MEMORY', 'MEMORY_TOO_SMALL'].includes(String(error.code)),
      ),
      assert.rejects(trainer.train({ ...job, settings: { ...job.settings, rank: 1_000 } }).result, {
        code: 'TRAINING_SETTINGS_INVALID',
      }),
      assert.rejects(trainer.train({ ...job, initial: foreign }).result, {
        name: 'AdapterError',
        code: 'NOT_GGUF',
      }),
      assert.rejects(cancelled.result, { code: 'CANCELLED' }),
    ])
    assert(!existsSync(job.outPath))
  })

  it('ends with the process that began it, even while it is held', async function () {
    if (process.platform === 'win32') this.skip()
    const script = fileURLToPath(new URL('./training-parent.ts', import.meta.url))
    const parent = fork(script, [folder], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
    const exited = once(parent, 'exit').then(() => assert.fail('the parent ended by itself'))
    const [{ pid }] = (await Promise.race([once(parent, 'message'), exited])) as [{ pid: number }]
    assert(isAlive(pid))
    parent.kill('SIGKILL')
    await waitUntil('the training process is gone', () => !isAlive(pid))
  })
})
