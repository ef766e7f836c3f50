import assert from 'node:assert/strict'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { readAdapterFile, writeAdapterFile } from '../../../inference/learning/adapter-file.ts'
import { adapterShapeOf, layersOf } from '../../../inference/learning/adapter-shape.ts'
import { ExternalTrainer, type ExternalTrainerOptions } from '../../../inference/learning/external-trainer.ts'
import { initialFactors } from '../../../inference/learning/initial-factors.ts'
import type { TrainingJob, TrainingProgress } from '../../../inference/learning/trainer.ts'
import { TemporaryFolders } from '../../helpers/temporary.ts'
import { waitUntil } from '../../helpers/wait.ts'
import { factsJob, isAlive } from './training.ts'

describe('ExternalTrainer', () => {
  const folders = new TemporaryFolders()
  const trainers: ExternalTrainer[] = []
  let folder: string
  let job: TrainingJob
  before(async () => {
    folder = await folders.make()
    job = await factsJob(folder, 'facts.gguf', { steps: 2 })
  })
  afterEach(async () => {
    await Promise.all(trainers.splice(0).map(trainer => trainer.stop()))
    const left = (await readdir(folder)).filter(name => name.endsWith('.work') || name.endsWith('.part'))
    assert.deepEqual(left, [], 'nothing is left behind')
  })
  after(() => folders.remove())

  function open(command: string | readonly string[], options: Partial<ExternalTrainerOptions> = {}) {
    const trainer = new ExternalTrainer({ command, timeoutMs: 600_000, niceness: 0, ...options })
    trainers.push(trainer)
    return trainer
  }

  /** A trainer that is these lines of JavaScript. */
  async function program(name: string, lines: string, options: Partial<ExternalTrainerOptions> = {}) {
    const path = join(folder, `${name}.cjs`)
    await writeFile(path, `const arg = name => process.argv[process.argv.indexOf('--' + name) + 1]\n${lines}`)
    return open([process.execPath, path], options)
  }

  it('has another program train: the worked example', async () => {
    const script = fileURLToPath(new URL('../../../scripts/external-trainer.ts', import.meta.url))
    const seen: TrainingProgress[] = []
    const result = await open(`"${process.execPath}" '${script}'`).train(job, {
      onProgress: progress => seen.push(progress),
    })
    assert.deepEqual(
      seen.map(({ step }) => step),
      [1, 2],
    )
    assert.equal(result.loss, seen[1]!.loss)
    const adapter = await readAdapterFile(job.outPath)
    assert.deepEqual([adapter.name, adapter.base], ['facts', job.base.digest])
    assert.deepEqual((await readFile(job.outPath)).length, result.bytes)
  })

  it('takes no adapter but the one that was asked for', async () => {
    const shape = await adapterShapeOf(job.base.path)
    const { rank, alpha, modules, seed } = job.settings
    const made = async (changes: { rank?: number; layers?: number; base?: string }) => {
      const layers = layersOf(shape, modules).slice(changes.layers ?? 0)
      const path = join(folder, 'made.gguf')
      await writeAdapterFile(path, {
        ...{ architecture: shape.architecture, name: 'made', alpha, metadata: {} },
        rank: changes.rank ?? rank,
        base: changes.base ?? shape.digest,
        modules: initialFactors(layers, { rank: changes.rank ?? rank, seed }),
      })
      return await readFile(path)
    }
    const cases: [string, Uint8Array][] = [
      ['WRONG_RANK', await made({ rank: 3 })],
      ['WRONG_MODULES', await made({ layers: 1 })],
      ['WRONG_BASE', await made({ base: `sha256:${'0'.repeat(64)}` })],
      ['TRUNCATED', (await made({})).subarray(0, -100)],
      ['NOT_GGUF', Buffer.from('done')],
    ]
    const outPath = join(folder, 'refused.gguf')
    await Promise.all(
      cases.map(async ([code, bytes]) => {
        const from = join(folder, `${code}.bin`)
        await writeFile(from, bytes)
        const trainer = await program(code, `require('fs').copyFileSync(${JSON.stringify(from)}, arg('out'))`)
        await assert.rejects(trainer.train({ ...job, outPath }).result, { name: 'AdapterError', code })
      }),
    )
    await assert.rejects(readFile(outPath), { code: 'ENOENT' })
  })

  it('ends a program that does not keep to the contract, and says why', async () => {
    const outPath = join(folder, 'refused.gguf')
    const forever = 'setInterval(() => {}, 1e6)'
    const cases: [string, string, Partial<ExternalTrainerOptions>?][] = [
      ['TRAINER_PROTOCOL', `console.log('{"step": "one"}'); ${forever}`],
      ['TRAINER_PROTOCOL', `process.stdout.write('x'.repeat(1e5)); ${forever}`],
      ['TRAINER_TIMEOUT', forever, { timeoutMs: 50 }],
      ['TRAINER_TIMEOUT', forever, { silenceMs: 50 }],
      ['TRAINER_CRASHED', `console.error('no GPU here'); process.exit(3)`],
      ['NOT_FOUND', `console.log('loading…')`],
    ]
    await Promise.all(
      cases.map(async ([code, lines, options], index) => {
        const trainer = await program(`broken-${index}`, lines, options)
        await assert.rejects(trainer.train({ ...job, outPath }).result, (error: unknown) => {
          const told = error as { code: string; details: { lastOutput?: string } }
          assert.equal(told.code, code)
          if (code === 'TRAINER_CRASHED') assert.match(told.details.lastOutput ?? '', /no GPU here/)
          return true
        })
      }),
    )
    await assert.rejects(open('/no/such/program').train({ ...job, outPath }).result, {
      code: 'TRAINER_CRASHED',
    })
    assert.throws(() => open('"open'), { code: 'TRAINER_PROTOCOL' })
  })

  it('ends all that a program has started with it', async () => {
    const trainer = await program(
      'tree',
      `const { pid } = require('child_process').spawn(process.execPath, ['-e', 'setInterval(() => {}, 1e6)'])
       console.log(JSON.stringify({ step: pid, loss: 1 }))
       setInterval(() => {}, 1e6)`,
    )
    const started = Promise.withResolvers<number>()
    const training = trainer.train(
      { ...job, outPath: join(folder, 'tree.gguf') },
      {
        onProgress: ({ step }) => started.resolve(step),
      },
    )
    const pid = await started.promise
    assert(isAlive(pid))
    await trainer.stop()
    await assert.rejects(training.result, { code: 'CANCELLED' })
    await waitUntil('the grandchild is gone', () => !isAlive(pid))
  })
})
