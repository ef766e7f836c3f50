import { join } from 'node:path'
import { createInterface } from 'node:readline/promises'
import { systemClock } from '../node/clock.ts'
import { type DataDir, ensureDataDir } from '../node/data-dir.ts'
import { loadOrCreateNodeKey } from '../node/identity.ts'
import { DataBook, type PendingData } from '../node/learning/data/data-book.ts'
import type { DataSet } from '../node/learning/data/data-set.ts'
import { DataError } from '../node/learning/data/errors.ts'
import type { DropReason } from '../node/learning/data/formats/source.ts'
import type { IntakeReport } from '../node/learning/data/intake.ts'
import { textOf } from '../node/learning/data/row-text.ts'
import type { AddDataOptions } from './commands/learn/data.ts'
import { type CommonOptions, dataDirFrom, outputFrom } from './context.ts'
import { type Output, paint, properties, table } from './ui/output.ts'
import { count, readableBytes, readableTime } from './ui/readable.ts'
import { printable } from './ui/terminal.ts'

const MAX_SHOWN_ROWS = 5
const SHOWN_CHARS = 200

/** What a reason for leaving something out means. */
const REASONS: Readonly<Record<DropReason, string>> = {
  unknown_type: 'files of a kind that is not read',
  binary: 'files that are no text',
  link: 'links, which are not followed',
  unreadable: 'files that cannot be read',
  archive: 'archives; unpack them first',
  bad_json: 'lines or files that are no JSON',
  unknown_shape: 'JSON of a shape that is not known',
  no_answer: 'conversations without an answer to learn',
  too_long: 'rows too long to learn from',
  too_short: 'rows too short to learn from',
  duplicate: 'rows that are there already',
  similar: 'rows nearly the same as others (--keep-similar keeps them)',
  personal_data: 'rows with personal data',
  over_limit: 'files beyond what is read at once',
}

/** The book of a data folder, whether or not its node runs. */
export async function openBook(dataDir: DataDir): Promise<DataBook> {
  await ensureDataDir(dataDir)
  const { seed } = await loadOrCreateNodeKey(dataDir.nodeKey)
  const book = new DataBook({ folder: join(dataDir.root, 'learning', 'data'), seed }, { clock: systemClock })
  await book.start()
  return book
}

/** `shoal learn add`. @throws {DataError} */
export async function addData(path: string, options: AddDataOptions): Promise<void> {
  const output = outputFrom(options)
  const book = await openBook(dataDirFrom(options))
  const abort = new AbortController()
  const onSigint = () => abort.abort()
  process.once('SIGINT', onSigint)
  let pending: PendingData | null = null
  try {
    pending = await book.add(path, {
      pii: options.pii,
      names: options.redactName,
      titledNames: options.names === true,
      keepSimilar: options.keepSimilar === true,
      me: options.me ?? null,
      signal: abort.signal,
      ...(options.name === undefined ? {} : { name: options.name }),
      ...(options.domain === undefined ? {} : { domain: options.domain }),
    })
    const { name, domain, report } = pending
    output.note(describeReport(pending))
    if (report.rows === 0) throw nothing(path)
    const isWanted =
      options.dryRun !== true && (options.yes === true || (await isConfirmed(output, abort.signal)))
    const added = isWanted ? await pending.commit() : null
    output.result({ added, name, domain, report }, () =>
      added === null
        ? output.copyable('Nothing was added; --yes adds it without asking.')
        : output.copyable(
            `${paint('green', '✓')} ${added.name}: ${count(added.rows, 'row')} to learn from in rounds about ${added.domain}. shoal learn data show ${added.name}`,
          ),
    )
  } finally {
    process.off('SIGINT', onSigint)
    await pending?.discard()
    await book.stop()
  }
}

/** `shoal learn data list`. */
export async function listData(options: CommonOptions): Promise<void> {
  const output = outputFrom(options)
  const sets = await (await openBook(dataDirFrom(options))).list()
  output.result(sets, () =>
    sets.length === 0
      ? output.copyable('There is no data to learn from yet. shoal learn add FOLDER adds some.')
      : table(
          ['NAME', 'DOMAIN', 'ROWS', 'TOKENS', 'SIZE', 'PERSONAL DATA', 'FROM', 'ADDED'],
          sets.map(set => [
            set.name,
            set.domain,
            set.rows,
            `~${set.estimatedTokens}`,
            readableBytes(set.bytes),
            personalData(set),
            set.source,
            readableTime(new Date(set.addedAtMs).toISOString()),
          ]),
          { columns: output.columns, mayLack: ['FROM', 'SIZE', 'ADDED'] },
        ),
  )
}

/** `shoal learn data show`. @throws {DataError} DATA_UNKNOWN */
export async function showData(name: string, options: CommonOptions): Promise<void> {
  const output = outputFrom(options)
  const book = await openBook(dataDirFrom(options))
  const set = await book.get(name)
  const samples: string[] = []
  for await (const { row } of book.rows(name)) {
    samples.push(textOf(row).slice(0, SHOWN_CHARS))
    if (samples.length >= MAX_SHOWN_ROWS) break
  }
  output.result({ ...set, samples }, () =>
    [
      properties([
        ['Name', set.name],
        ['Domain', set.domain],
        ['From', `${set.source} (${formatsOf(set.formats)})`],
        ['Added', readableTime(new Date(set.addedAtMs).toISOString())],
        ['Rows', `${set.rows} in ${count(set.groups, 'group')}`],
        ['Tokens', `about ${set.estimatedTokens}`],
        ['Personal data', personalData(set)],
      ]),
      ...samples.map(quoted),
    ].join('\n\n'),
  )
}

/** `shoal learn data remove`. @throws {DataError} DATA_UNKNOWN */
export async function removeData(name: string, options: CommonOptions): Promise<void> {
  const output = outputFrom(options)
  await (await openBook(dataDirFrom(options))).remove(name)
  output.result({ removed: name }, () => `${paint('green', '✓')} ${name} is removed.`)
}

async function isConfirmed(output: Output, signal: AbortSignal): Promise<boolean> {
  if (output.json || !process.stdin.isTTY || !process.stderr.isTTY) return false
  const reader = createInterface({ input: process.stdin, output: process.stderr })
  try {
    return /^y(es)?$/i.test((await reader.question('Keep this? [y/N] ', { signal })).trim())
  } catch (error) {
    if (signal.aborted) throw new DataError('CANCELLED', 'it was cancelled')
    throw error
  } finally {
    reader.close()
  }
}

function describeReport({ name, domain, report }: PendingData): string {
  const { rows, groups, heldOut, estimatedTokens, bytes, readBytes, formats, pii, people, samples } = report
  const found = Object.entries(pii.found)
  const dropped = Object.entries(report.dropped) as [DropReason, number][]
  const parts = [
    properties([
      ['Data set', `${name}, domain ${domain}`],
      ['Read', `${readableBytes(readBytes)}: ${formatsOf(formats)}`],
      [
        'Keep',
        `${count(rows, 'row')} in ${count(groups, 'group')}, about ${estimatedTokens} tokens, ${readableBytes(bytes)}`,
      ],
      ['Held out', `${count(heldOut.rows, 'row')} in ${count(heldOut.groups, 'group')}, to measure with`],
      ...(people.length === 0 ? [] : [['People', people.join(', ')] as const]),
      [
        'Personal data',
        found.length === 0
          ? 'none found'
          : `${found.map(([kind, n]) => `${n} × ${kind}`).join(', ')}; ${PII_WORDS[pii.mode]}`,
      ],
      ...pii.hints.slice(0, 8).map(({ kind, hint }) => ['', paint('dim', `${kind} ${hint}`)] as const),
    ]),
  ]
  if (dropped.length > 0)
    parts.push(
      [
        'Left out:',
        ...dropped.map(
          ([reason, n]) => `  ${String(n).padStart(6)}  ${REASONS[reason]}${sampleOf(report, reason)}`,
        ),
      ].join('\n'),
    )
  if (!report.comparedAll)
    parts.push('There are so many rows that the later ones were only compared exactly.')
  if (samples.kept.length > 0)
    parts.push(['What is kept looks like this:', ...samples.kept.map(quoted)].join('\n'))
  return parts.join('\n\n')
}

const PII_WORDS = {
  redact: 'each gives way to what it was, as [email]',
  drop: 'its rows are left out',
  keep: paint('yellow', 'kept as it is'),
} as const

function sampleOf({ samples }: IntakeReport, reason: DropReason): string {
  const found = samples.dropped.find(one => one.reason === reason)
  return found === undefined ? '' : paint('dim', `, as ${JSON.stringify(short(found.sample, 60))}`)
}

function quoted(text: string): string {
  return `${paint('dim', '│')} ${printable(short(text, SHOWN_CHARS)).replaceAll('\n', `\n${paint('dim', '│')} `)}`
}

function short(text: string, chars: number): string {
  return text.length > chars ? `${text.slice(0, chars)}…` : text
}

function formatsOf(formats: Readonly<Record<string, number>>): string {
  const named = Object.entries(formats).map(([format, n]) => `${n} × ${format}`)
  return named.length === 0 ? 'nothing that can be read' : named.join(', ')
}

function personalData({ pii, found }: DataSet): string {
  const all = Object.values(found).reduce((sum, n) => sum + n, 0)
  return all === 0
    ? 'none found'
    : `${all} ${pii === 'redact' ? 'removed' : pii === 'drop' ? 'left out' : 'kept'}`
}

function nothing(path: string): DataError {
  return new DataError('DATA_EMPTY', `nothing in ${path} can be learnt from`, {
    fix: 'See what was left out, and why.',
  })
}
