import { createHash } from 'node:crypto'
import { mkdir, readdir, readFile, rm, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import type { Adapter } from '../../../../inference/learning/adapter.ts'
import {
  adapterDigest,
  readAdapterFile,
  writeAdapterFile,
} from '../../../../inference/learning/adapter-file.ts'
import { compressUpdate } from '../../../../inference/learning/compression/compress-update.ts'
import {
  type CompressionSettings,
  compressionSettingsSchema,
} from '../../../../inference/learning/compression/compression-settings.ts'
import { CompressionError } from '../../../../inference/learning/compression/errors.ts'
import { decompressUpdate, maxUpdateBytes } from '../../../../inference/learning/compression/update-format.ts'
import { writeFileDurably } from '../../../../inference/learning/durable-file.ts'
import { isShoalError } from '../../../../protocol/errors.ts'
import type { RoundManifest, UpdateEncoding } from '../../../../protocol/messages/learning/round-manifest.ts'
import type { BaseModels } from '../../scoring/round-base.ts'
import type { RoundContext } from '../seams.ts'
import { PlainCodec, type UpdateCodec } from './codec.ts'
import { roundFactors } from './round-factors.ts'

/** What each encoding keeps of an update. */
const SETTINGS: Record<Exclude<UpdateEncoding, 'gguf'>, CompressionSettings> = {
  int8: compressionSettingsSchema.parse({ density: 1, bits: 8 }),
  sparse: compressionSettingsSchema.parse({}),
}
const LARGEST = { bits: 8, length: 64 }
/** Of the rounds of one line of adapters, the newest that left something out. */
const KEPT_RESIDUALS = 2

/**
 * Updates travel as their round's manifest says: as files, or compressed against what the round goes on from. What compression
 * leaves out is kept here and goes with the next update for the same adapters, whatever round that is.
 */
export class PackedCodec implements UpdateCodec {
  readonly #folder: string
  readonly #bases: BaseModels
  readonly #plain = new PlainCodec()

  /** @param options.folder for what was left out, and for updates that were unpacked */
  constructor(options: { folder: string }, modules: { bases: BaseModels }) {
    this.#folder = options.folder
    this.#bases = modules.bases
  }

  /**
   * After a crash the same as before it.
   * @throws {AdapterError} {ModelError}
   */
  async encode(context: RoundContext, path: string, folder: string) {
    const { round, manifest } = context
    const { encoding, freezeA, privacy } = manifest
    if (encoding === 'gguf') return this.#plain.encode(context, path, folder)
    const parent = await roundFactors(context, { bases: this.#bases })
    const line = join(this.#folder, 'left-out', lineOf(manifest))
    // A private update is clipped and noisy by itself: nothing of earlier ones is to be added.
    const residual = privacy === null ? await this.#residual(line, round, parent) : null
    const settings = SETTINGS[encoding]
    const { bytes, ...made } = await compressUpdate(await readAdapterFile(path), {
      ...{ parent, settings, residual, freezeA },
    })
    if (privacy === null) await this.#keep(line, round, made.residual)
    const sent = join(folder, 'sent.update')
    await writeFileDurably(sent, bytes)
    return { path: sent, encoding }
  }

  /**
   * The adapter's file of what came; unpacked once.
   * @throws {CompressionError} {AdapterError} {ModelError}
   */
  async decode(context: RoundContext, path: string): Promise<string> {
    if (context.manifest.encoding === 'gguf') return path
    const folder = join(this.#folder, 'unpacked', context.round)
    const unpacked = join(folder, `${basename(path)}.gguf`)
    if (await exists(unpacked)) return unpacked
    const parent = await roundFactors(context, { bases: this.#bases })
    const { size } = await stat(path)
    if (size > maxUpdateBytes(parent, LARGEST))
      throw new CompressionError('OVERSIZE', `no update of this round has ${size} bytes`)
    const adapter = await decompressUpdate(await readFile(path), {
      parent,
      parentDigest: adapterDigest(parent),
    })
    await mkdir(folder, { recursive: true, mode: 0o700 })
    await writeAdapterFile(unpacked, adapter)
    return unpacked
  }

  /** Forgets what was unpacked for a round. */
  async release(round: string): Promise<void> {
    await rm(join(this.#folder, 'unpacked', round), { recursive: true, force: true })
  }

  /** What the newest of the other rounds left out; null where there is none that fits. */
  async #residual(line: string, round: string, parent: Adapter): Promise<Adapter | null> {
    const newest = (await residualsIn(line)).find(({ name }) => name !== fileOf(round))
    if (newest === undefined) return null
    try {
      const residual = await readAdapterFile(join(line, newest.name))
      return fits(residual, parent) ? residual : null
    } catch (error) {
      // It is a help, no more: a damaged one is left out, too.
      if (isShoalError(error)) return null
      throw error
    }
  }

  async #keep(line: string, round: string, residual: Adapter): Promise<void> {
    await mkdir(line, { recursive: true, mode: 0o700 })
    try {
      await writeAdapterFile(join(line, fileOf(round)), residual)
    } catch (error) {
      // Of twice the rank, it may be larger than adapters are allowed to be.
      if (!isShoalError(error)) throw error
    }
    const old = (await residualsIn(line)).slice(KEPT_RESIDUALS)
    await Promise.all(old.map(({ name }) => rm(join(line, name), { force: true })))
  }
}

/** Adapters that go on from each other have a base and a name in common. */
function lineOf({ base, name, freezeA }: RoundManifest): string {
  return createHash('sha256').update(`${base}\n${name}\n${freezeA}`).digest('hex').slice(0, 32)
}

const fileOf = (round: string) => `${round}.gguf`

/** The newest first. */
async function residualsIn(line: string): Promise<{ name: string; atMs: number }[]> {
  const names = await readdir(line).catch(() => [])
  const files = await Promise.all(
    names
      .filter(name => name.endsWith('.gguf'))
      .map(async name => ({ name, atMs: (await stat(join(line, name))).mtimeMs })),
  )
  return files.toSorted((a, b) => b.atMs - a.atMs)
}

function fits(residual: Adapter, parent: Adapter): boolean {
  return (
    residual.base === parent.base &&
    residual.modules.length === parent.modules.length &&
    residual.modules.every(({ name, inputs, outputs }, m) => {
      const other = parent.modules[m]!
      return name === other.name && inputs === other.inputs && outputs === other.outputs
    })
  )
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  )
}
