import assert from 'node:assert/strict'
import { truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ModelSource } from '../../../inference/engine.ts'
import type { Adapter } from '../../../inference/learning/adapter.ts'
import { encodeAdapter, readAdapterFile, writeAdapterFile } from '../../../inference/learning/adapter-file.ts'
import { BLOCK_MODULES } from '../../../inference/learning/block-modules.ts'
import { JaxTrainer } from '../../../inference/learning/jax-trainer/jax-trainer.ts'
import { trainingSettingsSchema } from '../../../inference/learning/training-settings.ts'
import { LlamaWorker } from '../../../inference/llama/worker.ts'
import { AggregateJudge } from '../../../node/learning/acceptance/aggregate-judge.ts'
import { readGeneralRows, SHIPPED_GENERAL_TEXT } from '../../../node/learning/acceptance/general-text.ts'
import { CatalogBases } from '../../../node/learning/rounds/parts/bases.ts'
import type { RevealedUpdate, RoundContext, ValidationText } from '../../../node/learning/rounds/seams.ts'
import { AuthorRatings } from '../../../node/learning/scoring/author-ratings.ts'
import { EngineLossMeter } from '../../../node/learning/scoring/loss-meter.ts'
import { UpdateInspector } from '../../../node/learning/scoring/update-inspector.ts'
import { UpdateScorer } from '../../../node/learning/scoring/update-scorer.ts'
import { Store } from '../../../node/store/store.ts'
import type { UpdateScore } from '../../../protocol/messages/learning/update-scores.ts'
import { makeDomains, toJsonl } from '../../bench/learning/domains.ts'
import { silentLog } from '../../helpers/hosts.ts'
import { learnedVersion, memberSigner } from '../../helpers/learning/learned-version.ts'
import { ManualClock } from '../../helpers/manual-clock.ts'
import { randomAdapterFile } from '../../helpers/random-adapter.ts'
import { TemporaryFolders } from '../../helpers/temporary.ts'
import { nano } from '../inference/nano.ts'

const RANK = 4
const ALPHA = 8
const STEPS = 12
const { signal } = new AbortController()

/** Keys of nodes by short names. */
const nodes = new Map<string, string>()
const nodeOf = (name: string) => {
  if (!nodes.has(name)) nodes.set(name, Buffer.from(memberSigner(nodes.size).publicKey).toString('hex'))
  return nodes.get(name)!
}

describe('scoring updates with the embedded model', () => {
  const folders = new TemporaryFolders()
  const domains = makeDomains({ seed: 3, domains: 2, factsPerDomain: 6 })
  const [notes, other] = domains as [(typeof domains)[0], (typeof domains)[0]]
  let folder: string
  let base: ModelSource
  let engine: LlamaWorker
  let store: Store
  let context: RoundContext
  let scorer: UpdateScorer
  let judge: AggregateJudge
  let ratings: AuthorRatings
  let trained: Adapter
  let trainedPath: string
  let texts: ValidationText[]
  let blamed: string[] = []

  const at = (name: string) => join(folder, name)
  const update = (author: string, path: string | null, domain = notes.name): RevealedUpdate => ({
    ...{ update: `update-of-${author}`, author: nodeOf(author), wallet: `0x${'1'.repeat(40)}`, domain, path },
    ...{ encoding: 'gguf', privacy: null },
    blob: { digest: `sha256:${'0'.repeat(64)}`, bytes: 1, root: `0x${'0'.repeat(64)}` },
  })
  const write = async (name: string, bytes: Uint8Array) => {
    await writeFile(at(name), bytes)
    return at(name)
  }
  const score = async (...updates: RevealedUpdate[]): Promise<UpdateScore[]> => {
    blamed = []
    return scorer.score(context, { updates, texts, self: nodeOf('scorer') }, signal)
  }
  const verdicts = (scores: readonly UpdateScore[]) => scores.map(({ verdict, code }) => code ?? verdict)

  before(async () => {
    folder = await folders.make()
    base = await nano(folder)
    await writeFile(at('train.jsonl'), toJsonl(notes.training))
    const trainer = new JaxTrainer()
    trainedPath = at('trained.gguf')
    const digest = base.id.slice(base.id.indexOf('@') + 1)
    await trainer.train({
      ...{ base: { path: base.path, digest }, dataPath: at('train.jsonl'), heldOutPath: null },
      ...{ outPath: trainedPath, initial: null, checkpointPath: null },
      settings: trainingSettingsSchema.parse({
        ...{ rank: RANK, alpha: ALPHA, steps: STEPS, batchRows: 2, rowTokens: 64, learningRate: 6e-3 },
        ...{ checkpointEverySteps: 0, evaluateEverySteps: 0 },
      }),
    })
    await trainer.stop()
    trained = await readAdapterFile(trainedPath)
    engine = new LlamaWorker({ threads: 1, slots: 4, gpu: false })
    await engine.start()
    store = await Store.open(at('store'))
    const { manifest } = learnedVersion({
      base: base.id,
      manifest: { rank: RANK, alpha: ALPHA, modules: [...BLOCK_MODULES] },
    })
    const clock = new ManualClock(manifest.body.deadlines.revealMs)
    context = {
      round: manifest.cid,
      proposer: manifest.signer,
      manifest: manifest.body,
      parentPath: null,
      trustedPath: null,
    }
    ratings = new AuthorRatings({ store, clock })
    const modules = {
      meter: new EngineLossMeter({ engine }),
      bases: new CatalogBases({ catalog: { resolve: async () => base } }),
      generalRows: async () => (await readGeneralRows(SHIPPED_GENERAL_TEXT)).slice(0, 8),
      onInvalid: (author: string, code: string) =>
        blamed.push(`${[...nodes].find(([, key]) => key === author)?.[0]} ${code}`),
    }
    scorer = new UpdateScorer(
      { maxRowsPerText: 6 },
      { ...modules, inspector: new UpdateInspector(), ratings, clock, log: silentLog },
    )
    judge = new AggregateJudge({ maxRowsPerText: 6 }, { ...modules, ownGeneralRows: modules.generalRows })
    const text = async (
      author: string,
      { name, validation }: (typeof domains)[0],
    ): Promise<ValidationText> => {
      const path = await write(`${author}.jsonl`, Buffer.from(toJsonl(validation)))
      const blob = { digest: `sha256:${author}`, bytes: 1, root: '0x' }
      return { author: nodeOf(author), domain: name, blob, path }
    }
    texts = [await text('ann', notes), await text('bob', other)]
  })

  after(async () => {
    await engine.stop()
    await store.close()
    await folders.remove()
  })

  it('accepts what learned its domain, and not what claims another or learned nothing', async () => {
    const random = await randomAdapterFile(at('random.gguf'), base.path, {
      rank: RANK,
      alpha: ALPHA,
      size: 0.02,
    })
    const shy = update('dan', random.path)
    const [honest, stolen, idle] = await score(
      update('cid', trainedPath),
      update('eve', await otherBytes(), other.name),
      shy,
    )
    assert.equal(honest!.verdict, 'accepted')
    const { before, after } = honest!.ownDomain!
    assert.ok(after < before * 0.9, `${before} to ${after}`)
    assert.ok(honest!.random!.before - honest!.random!.after < before - after)
    assert.equal(stolen!.verdict, 'not_own')
    assert.equal(idle!.verdict, 'no_gain')
    assert.ok(ratings.of(nodeOf('cid')) > 0.5 && ratings.of(nodeOf('eve')) < 0.5)
    assert.deepEqual(blamed, [])
  })

  it('measures the same whoever else measures with the same engine', async () => {
    const rows = (await readGeneralRows(SHIPPED_GENERAL_TEXT)).slice(0, 4)
    const measure = async (adapterPath: string | null) => {
      const [text] = await new EngineLossMeter({ engine }).measure(
        { base, adapterPath },
        [rows],
        AbortSignal.timeout(30_000),
      )
      return Math.round(text!.loss * 1_000)
    }
    const alone = [await measure(null), await measure(trainedPath)]
    assert.notEqual(alone[0], alone[1])
    assert.deepEqual(await Promise.all([measure(null), measure(trainedPath)]), alone)
  })

  it('finds copies, whatever they are dressed in', async () => {
    const turned = await write('turned.gguf', encodeAdapter(disguised(trained)))
    const scores = await score(update('cid', trainedPath), update('eve', turned), update('fay', trainedPath))
    assert.deepEqual(verdicts(scores), ['accepted', 'copy', 'copy'])
    assert.ok(scores.slice(1).every(({ similarTo }) => similarTo === 'update-of-cid'))
  })

  it('refuses each bad file with a code, blames its sender, and measures the others', async () => {
    const good = encodeAdapter(trained)
    const gguf = Buffer.from(good)
    const nan = good.slice()
    new DataView(nan.buffer).setFloat32(nan.length - 4 * 64, Number.NaN, true)
    const evil = Buffer.from(good)
    evil.write('\u001b[2J', evil.indexOf('general.name') + 24)
    const half = { ...trained, rank: 2, modules: trained.modules.map(module => halved(module)) }
    const huge = await write('huge.gguf', good)
    await truncate(huge, 400_000_000)
    const foreign = { ...trained, base: `sha256:${'f'.repeat(64)}` }
    const files: [sender: string, path: string, code: string][] = [
      ['truncated', await write('cut.gguf', gguf.subarray(0, good.length - 1_000)), 'TRUNCATED'],
      ['text', await write('text.gguf', Buffer.from('I am an adapter')), 'NOT_GGUF'],
      ['nan', await write('nan.gguf', nan), 'NOT_FINITE'],
      ['metadata', await write('evil.gguf', evil), 'BAD_METADATA'],
      ['rank', await write('rank.gguf', encodeAdapter(half)), 'WRONG_RANK'],
      ['base', await write('base.gguf', encodeAdapter(foreign)), 'WRONG_BASE'],
      ['model', base.path, 'WRONG_TYPE'],
      ['huge', huge, 'OVERSIZE'],
    ]
    const scores = await score(
      ...files.map(([sender, path]) => update(sender, path)),
      update('gone', null),
      update('cid', trainedPath),
    )
    assert.deepEqual(verdicts(scores), [...files.map(([, , code]) => code), 'unavailable', 'accepted'])
    assert.deepEqual(
      blamed,
      files.map(([sender, , code]) => `${sender} ${code}`),
    )
  })

  it('leaves texts aside that are none, and blames who gave them', async () => {
    const bad = { ...texts[0]!, author: nodeOf('mal'), path: await write('bad.jsonl', Buffer.from('{}\n')) }
    const work = {
      updates: [update('cid', trainedPath)],
      texts: [...texts, { ...bad, blob: { ...bad.blob, digest: 'bad' } }],
    }
    blamed = []
    const scores = await scorer.score(context, { ...work, self: nodeOf('scorer') }, signal)
    assert.deepEqual(verdicts(scores), ['accepted'])
    assert.deepEqual(blamed, ['mal TEXT_INVALID'])
  })

  it('measures an aggregate the same for all, on what was revealed and on general text', async () => {
    const measured = await judge.measure(context, { path: trainedPath, texts, generalPath: null }, signal)
    assert.ok(measured.loss.after < measured.loss.before)
    assert.ok(measured.general !== null && measured.general.before > 0)
    const again = await judge.measure(
      context,
      { path: trainedPath, texts: texts.toReversed(), generalPath: texts[1]!.path },
      signal,
    )
    assert.ok(Math.abs(again.loss.after - measured.loss.after) < 2_000)
    await assert.rejects(judge.measure(context, { path: base.path, texts, generalPath: null }, signal), {
      code: 'WRONG_TYPE',
    })
    await assert.rejects(
      judge.measure(context, { path: trainedPath, texts: [], generalPath: null }, signal),
      {
        code: 'NOTHING_TO_MEASURE',
      },
    )
    assert.deepEqual(engine.status().models, [])
  })

  /** The same work sent for another domain; noised, so that it is no copy. */
  async function otherBytes(): Promise<string> {
    const noised = {
      ...trained,
      modules: trained.modules.map((module, i) => ({ ...module, b: noisy(module.b, i) })),
    }
    await writeAdapterFile(at('noised.gguf'), noised)
    return at('noised.gguf')
  }
})

/** The same product of other factors: other ranks first, another scale of each, and a tenth of noise. */
function disguised(adapter: Adapter): Adapter {
  const { rank } = adapter
  const modules = adapter.modules.map(({ a, b, inputs, outputs, ...module }, index) => {
    const turned = {
      ...module,
      inputs,
      outputs,
      a: new Float32Array(a.length),
      b: new Float32Array(b.length),
    }
    for (let r = 0; r < rank; r++) {
      const from = rank - 1 - r
      const scale = (r + 1) * -1.5
      for (let i = 0; i < inputs; i++) turned.a[r * inputs + i] = a[from * inputs + i]! * scale
      for (let o = 0; o < outputs; o++) turned.b[o * rank + r] = (b[o * rank + from]! * 1.7) / scale
    }
    return { ...turned, b: noisy(turned.b, index, 0.1) }
  })
  return { ...adapter, modules }
}

/** Noise of a relative size. */
function noisy(values: Float32Array, seed: number, size = 1): Float32Array {
  const norm = Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length)
  return values.map((value, i) => value + size * norm * Math.SQRT2 * Math.sin(i * 12.9898 + seed * 78.233))
}

function halved({ a, b, inputs, outputs, name }: Adapter['modules'][number]) {
  const half = new Float32Array(b.length / 2)
  for (let i = 0; i < half.length; i++) half[i] = b[Math.floor(i / 2) * RANK + (i % 2)]!
  return { name, inputs, outputs, a: a.slice(0, a.length / 2), b: half }
}
