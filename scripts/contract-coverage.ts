import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import config from '../hardhat.config.ts'
import type { Settings } from './contract-tools/compiler.ts'
import { coverageOf, coverageReport, instrumentProject, isComplete } from './contract-tools/coverage.ts'
import { ProjectCopy, type Ran } from './contract-tools/project-copy.ts'

/**
 * Measures which lines and branches of the contracts the TypeScript tests and the Solidity tests run, both together.
 * `instrument` in `contract-tools/instrument.ts` says how a branch is counted.
 *
 * Both run in a copy of the project whose contracts have probes in them. There, the limits on a contract's size and
 * on the gas of a transaction do not hold, and tests of gas and of generated files are left out.
 */
const USAGE = 'node scripts/contract-coverage.ts [--json] [--keep] [--typescript | --solidity]'
const ROOT = fileURLToPath(new URL('..', import.meta.url))
const LEFT_OUT = ['gas', 'generated-abi', 'solidity', '*-overhead']
const TIMEOUT_MS = 45 * 60_000
const HITS = 'coverage-hits.json'

/** Keeps the points that EDR tells of, in the process of the tests. */
const COLLECTOR = `
const { writeFileSync } = require('node:fs')
const hits = new Set()
globalThis.recordCoverage = async tags => {
  for (const tag of tags) hits.add(Number(BigInt('0x' + Buffer.from(tag).toString('hex'))))
}
process.on('exit', () => writeFileSync(${JSON.stringify(HITS)}, JSON.stringify([...hits])))
`

if (import.meta.main) process.exitCode = await main()

async function main(): Promise<number> {
  const { values: options } = parseArgs({
    options: {
      json: { type: 'boolean', default: false },
      keep: { type: 'boolean', default: false },
      typescript: { type: 'boolean', default: false },
      solidity: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  if (options.help) {
    console.log(USAGE)
    return 0
  }
  const copy = await ProjectCopy.create(ROOT)
  try {
    const settings = config.solidity as { settings: Settings }
    const points = await instrumentProject(copy, settings.settings)
    await prepare(copy)
    const hits = new Set<number>()
    let failed = false
    if (!options.solidity) failed = !(await run('TypeScript tests', copy, hits, runTypeScriptTests)) || failed
    if (!options.typescript) failed = !(await run('Solidity tests', copy, hits, runSolidityTests)) || failed
    const files = [...points].map(([file, found]) => coverageOf(file, found, hits))
    console.log(options.json ? JSON.stringify(files, null, 2) : coverageReport(files))
    const lacking = files.filter(file => file.file.startsWith('contracts/core/') && !isComplete(file))
    if (lacking.length > 0)
      console.error(`${lacking.length} files of contracts/core are not covered to the last branch`)
    return failed || lacking.length > 0 ? 1 : 0
  } finally {
    if (options.keep) {
      copy.keep()
      console.error(`the copy stays in ${copy.root}`)
    } else await copy.remove()
  }
}

async function prepare(copy: ProjectCopy): Promise<void> {
  await copy.patch('hardhat.config.ts', 'paths: {', "coverage: { skipFiles: ['**/*'] },\n  paths: {")
  const evm = 'node/chain/embedded/evm.ts'
  await copy.patch(
    evm,
    'observability: {}',
    'observability: { codeCoverage: { onCollectedCoverageCallback: (globalThis as any).recordCoverage } }',
  )
  await copy.patch(
    evm,
    'allowUnlimitedContractSize: false',
    'allowUnlimitedContractSize: true, transactionGasCap: false',
  )
  await copy.patch('test/contracts/test-chain.ts', /GAS_LIMIT = [\d_]+n/, 'GAS_LIMIT = 60_000_000n')
  await copy.write('coverage-collector.cjs', COLLECTOR)
  const generate = () => copy.node(['scripts/generate-abi.ts'], { timeoutMs: TIMEOUT_MS })
  let generated = await generate()
  if (generated.code !== 0 && /stack too deep/i.test(generated.output)) {
    // Probes take room on the stack, which only the other code generator can make.
    await copy.patch('hardhat.config.ts', 'evmVersion:', 'viaIR: true,\n      evmVersion:')
    generated = await generate()
  }
  if (generated.code !== 0) throw new Error(`the contracts with probes do not compile\n${generated.output}`)
}

/** @returns whether the tests passed; adds the points they came by to `hits` */
async function run(
  name: string,
  copy: ProjectCopy,
  hits: Set<number>,
  tests: (copy: ProjectCopy, hits: Set<number>) => Promise<Ran>,
): Promise<boolean> {
  const found = new Set<number>()
  const { code, output, timedOut } = await tests(copy, found)
  for (const id of found) hits.add(id)
  console.error(`${name} came by ${found.size} points`)
  if (code === 0) return true
  console.error(`${name} ${timedOut ? 'took too long' : 'failed'} on the contracts with probes:\n${output}`)
  return false
}

async function runTypeScriptTests(copy: ProjectCopy, hits: Set<number>): Promise<Ran> {
  const mocha = join(copy.root, 'node_modules/mocha/bin/mocha.js')
  const leftOut = LEFT_OUT.flatMap(name => ['--exclude', `test/contracts/${name}.test.ts`])
  const args = [
    '--timeout',
    '0',
    '--require',
    './coverage-collector.cjs',
    ...leftOut,
    'test/contracts/**/*.test.ts',
  ]
  const ran = await copy.node([mocha, ...args], { timeoutMs: TIMEOUT_MS })
  for (const id of JSON.parse(await copy.read(HITS)) as number[]) hits.add(id)
  return ran
}

async function runSolidityTests(copy: ProjectCopy, hits: Set<number>): Promise<Ran> {
  const hardhat = join(copy.root, 'node_modules/hardhat/dist/src/cli.js')
  const ran = await copy.node([hardhat, '--coverage', 'test', 'solidity'], { timeoutMs: TIMEOUT_MS })
  const data = join(copy.root, 'coverage/data/solidity')
  for (const file of await readdir(data).catch(() => [])) {
    const tags = Object.keys(JSON.parse(await readFile(join(data, file), 'utf8')) as Record<string, number>)
    for (const tag of tags) hits.add(Number(BigInt(`0x${tag}`)))
  }
  return ran
}
