import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import Table from 'cli-table3'
import { compile, projectSources, type Settings } from './compiler.ts'
import { instrument, type Point } from './instrument.ts'
import type { ProjectCopy } from './project-copy.ts'

export interface Count {
  covered: number
  total: number
}

/** How far tests go through one file. */
export interface FileCoverage {
  file: string
  /** Lines on which a statement or a function begins; covered when all that begins there was run. */
  lines: Count
  branches: Count
  /** What was not come by, in order. */
  missing: { line: number; what: string }[]
}

/** Folders whose contracts are measured. */
const MEASURED = ['core', 'governance', 'libraries', 'periphery']

/** The Solidity sources below a folder of `contracts`, by their names to the compiler. */
async function solidityFiles(root: string, folders: readonly string[]): Promise<string[]> {
  const names: string[] = []
  for (const folder of folders) {
    const at = join('contracts', folder)
    const entries = await readdir(join(root, at), { recursive: true }).catch(() => [])
    names.push(...entries.filter(name => name.endsWith('.sol')).map(name => join(at, name)))
  }
  return names.sort()
}

/**
 * Puts probes into the contracts of a copy of the project.
 * @returns the points by file
 */
export async function instrumentProject(
  copy: ProjectCopy,
  settings: Settings,
  folders: readonly string[] = MEASURED,
): Promise<Map<string, Point[]>> {
  const files = await solidityFiles(copy.root, folders)
  const sources = projectSources(copy.root)
  const { asts } = compile(sources, files, settings, 'ast')
  const points = new Map<string, Point[]>()
  let nextId = 1
  for (const file of files) {
    const instrumented = instrument(sources.read(file), asts.get(file)!, nextId)
    nextId += instrumented.points.length
    points.set(file, instrumented.points)
    if (instrumented.points.length > 0) await copy.write(file, instrumented.source)
  }
  return points
}

/** @param hits numbers of the points that were come by */
export function coverageOf(file: string, points: readonly Point[], hits: ReadonlySet<number>): FileCoverage {
  const missing = points.filter(({ id }) => !hits.has(id)).sort((a, b) => a.line - b.line)
  const lines = new Set(points.filter(({ kind }) => kind === 'line').map(({ line }) => line))
  const missingLines = new Set(missing.filter(({ kind }) => kind === 'line').map(({ line }) => line))
  const branches = points.filter(({ kind }) => kind === 'branch').length
  const missingBranches = missing.filter(({ kind }) => kind === 'branch').length
  return {
    file,
    lines: { covered: lines.size - missingLines.size, total: lines.size },
    branches: { covered: branches - missingBranches, total: branches },
    missing: missing.map(({ line, what }) => ({ line, what })),
  }
}

export function isComplete({ missing }: FileCoverage): boolean {
  return missing.length === 0
}

/** A table of all files, then what is missing, each place with its line. */
export function coverageReport(files: readonly FileCoverage[]): string {
  const table = new Table({
    head: ['file', 'lines', 'branches', 'uncovered'],
    style: { head: [], border: [], compact: true },
  })
  const measured = files.filter(({ lines }) => lines.total > 0)
  for (const { file, lines, branches, missing } of measured) {
    table.push([file, percent(lines), percent(branches), String(missing.length)])
  }
  const all = (field: 'lines' | 'branches') =>
    measured.reduce(
      (sum, file) => ({ covered: sum.covered + file[field].covered, total: sum.total + file[field].total }),
      { covered: 0, total: 0 },
    )
  table.push(['all', percent(all('lines')), percent(all('branches')), ''])
  const places = measured.flatMap(({ file, missing }) => {
    const byLine = Map.groupBy(missing, ({ line }) => line)
    return [...byLine].map(([line, points]) => `${file}:${line} ${points.map(({ what }) => what).join(', ')}`)
  })
  return [table.toString(), ...places].join('\n')
}

function percent({ covered, total }: Count): string {
  if (total === 0) return '-'
  // Never rounded up to 100.
  return `${(Math.floor((covered * 1_000) / total) / 10).toFixed(1)} % (${covered}/${total})`
}
