import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { mkdir, open, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import type { Clock } from '../../clock.ts'
import { SealedBox } from '../../trust/audits/sealed-box.ts'
import {
  DATA_NAME_PATTERN,
  type DataSet,
  dataSetSchema,
  type TrainingFiles,
  type TrainingRow,
} from './data-set.ts'
import { DataError } from './errors.ts'
import type { IntakeOptions, IntakeReport } from './intake.ts'
import { estimatedTokens, textOf } from './row-text.ts'
import { SealedWriter, sealedPieces } from './sealed-file.ts'
import { isInShare, Split } from './split.ts'

export interface DataBookOptions {
  /** `learning/data` of the data folder. */
  folder: string
  /** Of the node key, 32 bytes: what is kept is encrypted with a key derived from it. */
  seed: Uint8Array
}

export interface DataBookModules {
  clock: Clock
}

export interface AddOptions extends Partial<IntakeOptions> {
  /** Default: made of the source's. */
  name?: string
  /** Which rounds it is for; default `general`. */
  domain?: string
  signal?: AbortSignal
}

/** Data that has been read and sealed and is not yet of the book. */
export interface PendingData {
  name: string
  domain: string
  report: IntakeReport
  /** @throws {DataError} DATA_EMPTY when there is nothing to keep, DATA_EXISTS */
  commit(): Promise<DataSet>
  /** Idempotent; does nothing after `commit`. */
  discard(): Promise<void>
}

const DEFAULT_DOMAIN = 'general'
const ABOUT = 'data-set.json'
const ROWS = 'rows.sealed'
const PRINTS = 'prints.sealed'
const MAX_SETS = 1_000
/** Of training files: more than any training on one machine sees. */
const MAX_TRAINING_BYTES = 64 * 1024 * 1024
const TEMPORARY = /^\.(?:adding|training|removed)-(\d+)-/

/**
 * The owner's data to learn from. It lies sealed in the data folder: what is on this disk may end up in a backup. In
 * plain text it is only in what `trainingFiles` gives a trainer on this machine, for as long as that takes. Several
 * processes may use one folder, with or without a running node: each change is one rename.
 */
export class DataBook {
  readonly #folder: string
  readonly #clock: Clock
  readonly #box: SealedBox
  readonly #lent = new Set<TrainingFiles>()

  constructor(options: DataBookOptions, modules: DataBookModules) {
    this.#folder = options.folder
    this.#clock = modules.clock
    this.#box = new SealedBox('learning-data', options.seed)
  }

  /** Removes what processes that are gone left behind. */
  async start(): Promise<void> {
    for (const name of await readdir(this.#folder).catch(() => [])) {
      const pid = TEMPORARY.exec(name)?.[1]
      if (pid !== undefined && !isRunning(Number(pid)))
        await rm(join(this.#folder, name), { recursive: true, force: true })
    }
  }

  /** Releases all training files. Idempotent. */
  async stop(): Promise<void> {
    await Promise.all([...this.#lent].map(files => files.release()))
  }

  /** By name. */
  async list(): Promise<DataSet[]> {
    const names = (await readdir(this.#folder).catch(() => []))
      .filter(name => DATA_NAME_PATTERN.test(name))
      .sort()
    const sets = await Promise.all(names.slice(0, MAX_SETS).map(name => this.#about(name)))
    return sets.filter(set => set !== null)
  }

  /** @throws {DataError} DATA_UNKNOWN */
  async get(name: string): Promise<DataSet> {
    const set = DATA_NAME_PATTERN.test(name) ? await this.#about(name) : null
    if (set !== null) return set
    throw new DataError('DATA_UNKNOWN', `there is no data set ${name}`, {
      fix: 'shoal learn data list shows those there are.',
    })
  }

  /** Domains there is data of, by name. */
  async domains(): Promise<string[]> {
    return [...new Set((await this.list()).map(({ domain }) => domain))].sort()
  }

  /**
   * Reads a source and seals what is to be kept of it; it is of the book once committed.
   * @throws {DataError} DATA_BAD_NAME, DATA_EXISTS, DATA_UNREADABLE, CANCELLED
   */
  async add(path: string, options: AddOptions = {}): Promise<PendingData> {
    const { name = nameFrom(path), domain = DEFAULT_DOMAIN, signal, ...intakeOptions } = options
    for (const word of [name, domain]) checkName(word)
    const sets = await this.list()
    const exists = () =>
      new DataError('DATA_EXISTS', `there is a data set ${name} already`, {
        fix: `Give it another --name, or remove that one: shoal learn data remove ${name}`,
      })
    if (sets.some(set => set.name === name)) throw exists()
    if (sets.length >= MAX_SETS)
      throw new DataError('DATA_TOO_LARGE', `there are ${MAX_SETS} data sets`, {
        fix: 'Remove some, or add larger folders.',
      })
    // Readers of every format, and what finds names in them: only who adds data needs them.
    const [{ DEFAULT_INTAKE, Intake }, { Duplicates }] = await Promise.all([
      import('./intake.ts'),
      import('./duplicates/duplicates.ts'),
    ])
    const chosen = { ...DEFAULT_INTAKE, ...intakeOptions }
    const duplicates = new Duplicates({ keepSimilar: chosen.keepSimilar })
    for (const set of sets)
      for await (const prints of sealedPieces(
        join(this.#folder, set.name, PRINTS),
        this.#box,
        `${set.name}/${PRINTS}`,
      ))
        duplicates.know(prints)
    const intake = new Intake(chosen, { duplicates })
    const folder = await this.#temporary('adding')
    try {
      const rows = await SealedWriter.create(join(folder, ROWS), this.#box, `${name}/${ROWS}`)
      const prints = await SealedWriter.create(join(folder, PRINTS), this.#box, `${name}/${PRINTS}`)
      try {
        for await (const { group, row, print } of intake.rows(path, signal)) {
          await rows.write(Buffer.from(`${JSON.stringify({ group, row })}\n`))
          await prints.write(print)
        }
        await Promise.all([rows.end(), prints.end()])
      } finally {
        await Promise.all([rows.abandon(), prints.abandon()])
      }
      const report = intake.report()
      const set: DataSet = {
        version: 1,
        name,
        domain,
        source: basename(resolve(path)).slice(0, 256),
        formats: report.formats as Record<string, number>,
        addedAtMs: this.#clock.nowMs(),
        rows: report.rows,
        groups: report.groups,
        estimatedTokens: report.estimatedTokens,
        bytes: report.bytes,
        pii: report.pii.mode,
        found: report.pii.found,
      }
      await writeFile(join(folder, ABOUT), `${JSON.stringify(set, null, 2)}\n`, { mode: 0o600, flush: true })
      let isOpen = true
      return {
        name,
        domain,
        report,
        commit: async () => {
          if (report.rows === 0)
            throw new DataError('DATA_EMPTY', `nothing in ${path} can be learnt from`, {
              fix: 'See what was left out, and why.',
            })
          await rename(folder, join(this.#folder, name)).catch((error: NodeJS.ErrnoException) => {
            throw error.code === 'ENOTEMPTY' || error.code === 'EEXIST' ? exists() : error
          })
          isOpen = false
          await syncFolder(this.#folder)
          return set
        },
        discard: async () => {
          if (isOpen) await rm(folder, { recursive: true, force: true })
          isOpen = false
        },
      }
    } catch (error) {
      await rm(folder, { recursive: true, force: true })
      throw error
    }
  }

  /** @throws {DataError} DATA_UNKNOWN */
  async remove(name: string): Promise<void> {
    await this.get(name)
    const gone = join(this.#folder, `.removed-${process.pid}-${randomBytes(6).toString('hex')}`)
    await rename(join(this.#folder, name), gone)
    await rm(gone, { recursive: true, force: true })
  }

  /** The rows of a data set, in order. @throws {DataError} DATA_UNKNOWN, DATA_CORRUPT */
  async *rows(name: string): AsyncGenerator<{ group: string; row: TrainingRow }> {
    await this.get(name)
    for await (const piece of sealedPieces(join(this.#folder, name, ROWS), this.#box, `${name}/${ROWS}`))
      for (const line of Buffer.from(piece).toString().split('\n')) if (line !== '') yield JSON.parse(line)
  }

  /**
   * The data of a domain (of all, for null), split into what is trained on and what is held out. What a group begins
   * with alone decides, so that the split is the same each time and nothing moves from one side to the other as data is
   * added (unless there was so little that no group fell to the held-out side: then the one nearest to it is held out).
   * Of more than 64 MiB a part is taken, the same each time.
   * @throws {DataError} DATA_UNKNOWN where there is none of the domain, DATA_CORRUPT
   */
  async trainingFiles(domain: string | null): Promise<TrainingFiles> {
    const sets = (await this.list()).filter(set => domain === null || set.domain === domain)
    if (sets.length === 0)
      throw new DataError(
        'DATA_UNKNOWN',
        domain === null ? 'there is no data' : `there is no data of the domain ${domain}`,
        {
          fix: `Add some: shoal learn add FOLDER${domain === null ? '' : ` --domain ${domain}`}`,
        },
      )
    const bytes = sets.reduce((sum, set) => sum + set.bytes, 0)
    const isTaken = (group: string) => isInShare(group.slice(8, 16), MAX_TRAINING_BYTES / bytes)
    const split = new Split()
    for (const set of sets)
      for await (const { group } of this.rows(set.name)) if (isTaken(group)) split.add(group)
    const folder = await this.#temporary('training')
    const train = await PlainFile.create(join(folder, 'train.jsonl'))
    const held = await PlainFile.create(join(folder, 'held-out.jsonl'))
    let tokens = 0
    try {
      for (const set of sets) {
        for await (const { group, row } of this.rows(set.name)) {
          if (!isTaken(group)) continue
          tokens += estimatedTokens(textOf(row))
          await (split.isHeldOut(group) ? held : train).write(`${JSON.stringify(row)}\n`)
        }
      }
      await Promise.all([train.end(), held.end()])
    } catch (error) {
      await Promise.all([train.end(), held.end()])
      await rm(folder, { recursive: true, force: true })
      throw error
    }
    const files: TrainingFiles = {
      train: train.path,
      heldOut: held.rows === 0 ? null : held.path,
      trainRows: train.rows,
      heldOutRows: held.rows,
      estimatedTokens: tokens,
      release: async () => {
        this.#lent.delete(files)
        await rm(folder, { recursive: true, force: true })
      },
    }
    this.#lent.add(files)
    return files
  }

  async #about(name: string): Promise<DataSet | null> {
    try {
      return dataSetSchema.parse(JSON.parse(await readFile(join(this.#folder, name, ABOUT), 'utf8')))
    } catch (error) {
      if (
        (error as NodeJS.ErrnoException).code === 'ENOENT' ||
        (error as NodeJS.ErrnoException).code === 'ENOTDIR'
      )
        return null
      throw new DataError('DATA_CORRUPT', `the data set ${name} cannot be read`, {
        fix: `Remove the folder ${join(this.#folder, name)} and add the data again.`,
        details: { name },
        cause: error,
      })
    }
  }

  async #temporary(purpose: 'adding' | 'training'): Promise<string> {
    await mkdir(this.#folder, { recursive: true, mode: 0o700 })
    const folder = join(this.#folder, `.${purpose}-${process.pid}-${randomBytes(6).toString('hex')}`)
    await mkdir(folder, { mode: 0o700 })
    return folder
  }
}

/** A file that only its owner may read. */
class PlainFile {
  readonly path: string
  rows = 0
  readonly #stream: ReturnType<typeof createWriteStream>

  private constructor(path: string) {
    this.path = path
    this.#stream = createWriteStream(path, { flags: 'wx', mode: 0o600 })
  }

  static async create(path: string): Promise<PlainFile> {
    const file = new PlainFile(path)
    await once(file.#stream, 'open')
    return file
  }

  async write(line: string): Promise<void> {
    this.rows++
    if (!this.#stream.write(line)) await once(this.#stream, 'drain')
  }

  async end(): Promise<void> {
    if (this.#stream.closed) return
    this.#stream.end()
    await once(this.#stream, 'close')
  }
}

/** A name made of a path: `My Notes/` is `my-notes`. */
export function nameFrom(path: string): string {
  const name = basename(resolve(path))
    .replace(/\.\w{1,8}$/, '')
    .normalize('NFKD')
    .toLowerCase()
    .replace(/[^a-z0-9._-]+/g, '-')
    .replace(/^[^a-z0-9]+|-+$/g, '')
    .slice(0, 64)
  return name === '' ? `data-${createHash('sha256').update(path).digest('hex').slice(0, 8)}` : name
}

/** @throws {DataError} DATA_BAD_NAME */
function checkName(name: string): void {
  if (DATA_NAME_PATTERN.test(name)) return
  throw new DataError('DATA_BAD_NAME', `${JSON.stringify(name)} is no name`, {
    fix: 'Names have lower-case letters, digits, dots, dashes and underlines, at most 64.',
  })
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r')
  await folder.sync().finally(() => folder.close())
}
