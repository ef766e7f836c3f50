import { createHash } from 'node:crypto'
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createHardhatRuntimeEnvironment } from 'hardhat/hre'
import config from '../hardhat.config.ts'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
/** Sources of Shoal's own deployment, and of the examples beside it. */
const DEPLOYED = /^contracts\/(core|governance)\//
const PERIPHERY = /^contracts\/periphery\//

/** Where the generated files lie; committed, so that an installed package needs no compiler. */
export const GENERATED_DIR = fileURLToPath(new URL('../node/chain/abi', import.meta.url))

const HEADER = '// Made by `npm run generate` from contracts/. Do not edit.\n\n'

/**
 * Compiles the contracts and writes their ABIs and bytecode as TypeScript modules, one of each a contract: most
 * readers need an ABI and no bytecode.
 * @returns the texts of the files by their path in `node/chain/abi/`; equal sources and compiler give equal texts
 */
export async function generateAbi(): Promise<Map<string, string>> {
  const hre = await createHardhatRuntimeEnvironment(config, {}, ROOT)
  await hre.tasks.getTask('build').run({ quiet: true, noTests: true })
  const profile = hre.config.solidity.profiles.default
  const compiler = profile?.compilers[0]
  if (compiler === undefined) throw new Error('hardhat.config.ts has no compiler')
  const files = new Map<string, string>()
  const runtimes = createHash('sha256')
  const entries: { name: string; variable: string; file: string; sourceName: string }[] = []
  const names = [...(await hre.artifacts.getAllFullyQualifiedNames())].sort()
  for (const qualified of names.filter(name => DEPLOYED.test(name) || PERIPHERY.test(name))) {
    const artifact = await hre.artifacts.readArtifact(qualified)
    // Interfaces, libraries and abstract contracts are not deployed.
    if (artifact.bytecode === '0x' || !artifact.abi.some(({ type }) => type === 'function')) continue
    const { contractName: name, abi, bytecode, deployedBytecode, immutableReferences = {} } = artifact
    const variable = name[0]!.toLowerCase() + name.slice(1)
    const file = `${kebab(name)}.ts`
    if (DEPLOYED.test(qualified)) runtimes.update(withoutMetadata(bytecode))
    entries.push({ name, variable, file, sourceName: artifact.sourceName })
    files.set(file, `${HEADER}export const ${variable}Abi = ${JSON.stringify(abi, null, 2)} as const\n`)
    const immutables = Object.values(immutableReferences).flat()
    immutables.sort((a, b) => a.start - b.start)
    files.set(
      join('bytecode', file),
      `${HEADER}/** Runs once, to create the contract. */\nexport const ${variable}Bytecode =\n  '${bytecode}'\n\n` +
        `/** What lies on chain, with zeros at \`${variable}Immutables\`. */\n` +
        `export const ${variable}RuntimeBytecode =\n  '${deployedBytecode}'\n\n` +
        '/** Byte ranges of the runtime code that the constructor fills in. */\n' +
        `export const ${variable}Immutables = ${JSON.stringify(immutables)} as const\n`,
    )
  }
  files.set('index.ts', `${HEADER}${entries.map(({ file }) => `export * from './${file}'\n`).join('')}`)
  files.set(
    join('bytecode', 'index.ts'),
    artifactsModule(entries.filter(({ sourceName }) => DEPLOYED.test(sourceName))),
  )
  const settings = createHash('sha256')
    .update(JSON.stringify({ version: compiler.version, settings: compiler.settings }))
    .digest('hex')
  files.set(
    'digest.ts',
    `${HEADER}/** Compiler, as \`solc\` names itself, and sha256 of its version and settings. */\n` +
      `export const compiler = { version: '${compiler.version}', settingsDigest: 'sha256:${settings}' } as const\n\n` +
      '/** sha256 of the creation bytecode of core and governance in order, without metadata: changes when the code does. */\n' +
      `export const contractsDigest = 'sha256:${runtimes.digest('hex')}'\n`,
  )
  return files
}

/** What the compiler warns of in our own sources; what it finds in libraries is not ours to mend. */
export async function compilerWarnings(): Promise<string[]> {
  const hre = await createHardhatRuntimeEnvironment(config, {}, ROOT)
  const build = (force: boolean) => hre.tasks.getTask('build').run({ quiet: true, noTests: true, force })
  await build(false)
  // What was not compiled again keeps the warnings of its time.
  if ((await ownWarnings(hre.artifacts)).length > 0) await build(true)
  return await ownWarnings(hre.artifacts)
}

async function ownWarnings(artifacts: Runtime['artifacts']): Promise<string[]> {
  const own: string[] = []
  const names = [...(await artifacts.getAllFullyQualifiedNames())]
  const ids = new Set(await Promise.all(names.map(name => artifacts.getBuildInfoId(name))))
  for (const id of ids) {
    const path = id === undefined ? undefined : await artifacts.getBuildInfoOutputPath(id)
    if (path === undefined) continue
    const { output } = JSON.parse(await readFile(path, 'utf8')) as { output: CompilerOutput }
    const warnings = (output.errors ?? []).filter(({ sourceLocation }) =>
      sourceLocation?.file.startsWith('project/contracts/'),
    )
    own.push(...warnings.map(({ formattedMessage }) => formattedMessage))
  }
  return own
}

type Runtime = Awaited<ReturnType<typeof createHardhatRuntimeEnvironment>>

interface CompilerOutput {
  errors?: { sourceLocation?: { file: string }; formattedMessage: string }[]
}

/** All of each contract by its name, for those who deploy and verify. */
function artifactsModule(
  entries: readonly { name: string; variable: string; file: string; sourceName: string }[],
): string {
  const imports = entries.flatMap(({ variable, file }) => [
    `import { ${variable}Abi } from '../${file}'\n`,
    `import { ${['Bytecode', 'Immutables', 'RuntimeBytecode'].map(what => variable + what).join(', ')} } from './${file}'\n`,
  ])
  const members = entries.map(
    ({ name, variable, sourceName }) =>
      `  ${name}: {\n    sourceName: '${sourceName}',\n    abi: ${variable}Abi,\n    bytecode: ${variable}Bytecode,\n` +
      `    runtimeBytecode: ${variable}RuntimeBytecode,\n    immutables: ${variable}Immutables,\n  },\n`,
  )
  return `${HEADER}${imports.join('')}\n/** By the contract's name in Solidity. */\nexport const artifacts = {\n${members.join('')}} as const\n`
}

/** The generated files as they are. */
export async function readGenerated(): Promise<Map<string, string>> {
  const entries = await readdir(GENERATED_DIR, { recursive: true, withFileTypes: true }).catch(() => [])
  const paths = entries.filter(entry => entry.isFile()).map(entry => join(entry.parentPath, entry.name))
  const texts = await Promise.all(paths.map(path => readFile(path, 'utf8')))
  return new Map(paths.map((path, i) => [path.slice(GENERATED_DIR.length + 1), texts[i]!]))
}

function kebab(name: string): string {
  return name.replace(/(?<=[a-z])(?=[A-Z])/g, '-').toLowerCase()
}

/** Cuts the CBOR metadata, whose length is in the last two bytes, off bytecode in hex. */
function withoutMetadata(bytecode: string): string {
  const metadataBytes = Number.parseInt(bytecode.slice(-4), 16) + 2
  return bytecode.slice(0, -2 * metadataBytes)
}

if (import.meta.main) {
  const [files, before] = [await generateAbi(), await readGenerated()]
  const stale = [...before.keys()].filter(file => !files.has(file))
  const changed = [...files].filter(([file, text]) => before.get(file) !== text)
  for (const file of stale) await rm(join(GENERATED_DIR, file))
  for (const [file, text] of changed) {
    await mkdir(dirname(join(GENERATED_DIR, file)), { recursive: true })
    await writeFile(join(GENERATED_DIR, file), text)
  }
  const count = stale.length + changed.length
  console.log(count === 0 ? 'node/chain/abi is up to date' : `node/chain/abi: ${count} files written`)
}
