import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import config from '../hardhat.config.ts'
import { compile, projectSources, type Settings } from './contract-tools/compiler.ts'
import { diffOf, importedBy, mutantsOf } from './contract-tools/mutants.ts'
import { countFates, type Outcome, sampleOf, scoreOf, testMutants } from './contract-tools/mutation.ts'
import type { CompilerData } from './contract-tools/mutation-compiler.ts'
import { kebab, ProjectBench } from './contract-tools/project-bench.ts'

/**
 * Asks whether the tests notice small faults: makes mutants of a contract and of all it is made of, and runs the
 * tests of that contract against each, the fastest first, until one fails.
 */
const USAGE = `node scripts/mutate-contracts.ts [options]
  --contract NAME   of contracts/core; Settlement unless told
  --only TEXT       only files whose path has this in it
  --tests PATTERN   regular expression of the names of test files, TypeScript and Solidity
  --sample N        only so many mutants, chosen by --seed (1 unless told)
  --jobs N          how many at a time; 2 unless told
  --json            the outcome of every mutant
Exits with 1 when fewer than 90 % of the mutants are killed.`
const ROOT = fileURLToPath(new URL('..', import.meta.url))
const REQUIRED_SCORE = 0.9
const TESTS: Record<string, string> = {
  Settlement: '^(settlement|balances|channels|tickets?|vouchers?|signatures|deposit-?pause)',
}

if (import.meta.main) {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130))
  process.exitCode = await main()
}

async function main(): Promise<number> {
  const { values: options } = parseArgs({
    options: {
      contract: { type: 'string', default: 'Settlement' },
      only: { type: 'string', default: '' },
      tests: { type: 'string' },
      sample: { type: 'string' },
      seed: { type: 'string', default: '1' },
      jobs: { type: 'string', default: '2' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  if (options.help) {
    console.log(USAGE)
    return 0
  }
  const { contract: name } = options
  const source = `contracts/core/${name}.sol`
  const { settings } = config.solidity as { settings: Settings }
  const sources = projectSources(ROOT)
  const { asts } = compile(sources, [source], settings, 'ast')
  const files = [...importedBy(source, asts)].filter(
    file =>
      file.startsWith('contracts/') &&
      !file.startsWith('contracts/interfaces/') &&
      file.includes(options.only),
  )
  const all = files.flatMap(file => mutantsOf(file, sources.read(file), asts.get(file)!))
  const mutants =
    options.sample === undefined ? all : sampleOf(all, Number(options.sample), Number(options.seed))
  console.error(`${mutants.length} mutants of ${files.length} files`)

  const pattern = new RegExp(options.tests ?? TESTS[name] ?? `^${kebab(name)}`, 'i')
  const data: CompilerData = { root: ROOT, contract: `${source}:${name}`, settings }
  const benches: ProjectBench[] = []
  try {
    const first = await ProjectBench.create(data)
    benches.push(first)
    const steps = await first.findSteps(pattern)
    while (benches.length < Number(options.jobs)) benches.push(await ProjectBench.create(data, steps))
    const started = Date.now()
    const outcomes = await testMutants(mutants, benches, ({ mutant, fate, by }, done) => {
      const minutes = ((Date.now() - started) / 60_000).toFixed(1)
      const place = `${mutant.file}:${mutant.line} ${mutant.operator}`
      console.error(
        `${done}/${mutants.length} ${minutes} min ${fate} ${place}${by === '' ? '' : ` by ${by}`}`,
      )
    })
    console.log(
      options.json ? JSON.stringify(jsonOf(outcomes), null, 2) : report(outcomes, file => sources.read(file)),
    )
    return scoreOf(outcomes) < REQUIRED_SCORE ? 1 : 0
  } finally {
    await Promise.all(benches.map(bench => bench.close()))
  }
}

function report(outcomes: readonly Outcome[], read: (file: string) => string): string {
  const survivors = outcomes.filter(({ fate }) => fate === 'survived')
  const diffs = survivors.map(
    ({ mutant }) =>
      `${mutant.file}:${mutant.line} ${mutant.operator}\n${diffOf(read(mutant.file), mutant)}\n`,
  )
  return [...diffs, summary(outcomes)].join('\n')
}

function summary(outcomes: readonly Outcome[]): string {
  const { killed, survived, invalid, equivalent, duplicate } = countFates(outcomes)
  const score = (Math.floor(scoreOf(outcomes) * 1_000) / 10).toFixed(1)
  return (
    `${killed} killed, ${survived} survived: ${score} %` +
    ` (not counted: ${invalid} do not compile, ${equivalent} change no code, ${duplicate} are like others)`
  )
}

function jsonOf(outcomes: readonly Outcome[]) {
  return { ...countFates(outcomes), score: scoreOf(outcomes), mutants: outcomes }
}
