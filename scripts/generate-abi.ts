import { createHash } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { createHardhatRuntimeEnvironment } from 'hardhat/hre'
import config from '../hardhat.config.ts'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const CONTRACTS = ['CreditToken', 'NodeRegistry', 'Settlement', 'AuditAnchor'] as const

/** Where the generated file lies; committed, so that an installed package needs no compiler. */
export const GENERATED_PATH = fileURLToPath(new URL('../node/chain/abi/generated.ts', import.meta.url))

/**
 * Compiles the contracts and writes their ABIs and creation bytecode as a TypeScript module.
 * @returns the text of `node/chain/abi/generated.ts`; equal sources and compiler give equal text
 */
export async function generateAbi(): Promise<string> {
  const hre = await createHardhatRuntimeEnvironment(config, {}, ROOT)
  await hre.tasks.getTask('build').run({ quiet: true })
  const profile = hre.config.solidity.profiles.default
  const compiler = profile?.compilers[0]
  if (compiler === undefined) throw new Error('hardhat.config.ts has no compiler')
  const parts: string[] = []
  const runtimes = createHash('sha256')
  for (const name of CONTRACTS) {
    const { abi, bytecode } = await hre.artifacts.readArtifact(name)
    const variable = name[0]!.toLowerCase() + name.slice(1)
    runtimes.update(withoutMetadata(bytecode))
    parts.push(
      `export const ${variable}Abi = ${JSON.stringify(abi, null, 2)} as const`,
      `export const ${variable}Bytecode =\n  '${bytecode}'`,
    )
  }
  const settings = createHash('sha256')
    .update(JSON.stringify({ version: compiler.version, settings: compiler.settings }))
    .digest('hex')
  return [
    '// Made by `npm run generate` from contracts/. Do not edit.',
    '',
    `/** Compiler, as \`solc\` names itself, and sha256 of its version and settings. */`,
    `export const compiler = { version: '${compiler.version}', settingsDigest: 'sha256:${settings}' } as const`,
    '',
    '/** sha256 of the creation bytecode of all contracts in order, without metadata: changes when the code does. */',
    `export const contractsDigest = 'sha256:${runtimes.digest('hex')}'`,
    '',
    ...parts.flatMap(part => [part, '']),
  ].join('\n')
}

/** Cuts the CBOR metadata, whose length is in the last two bytes, off bytecode in hex. */
function withoutMetadata(bytecode: string): string {
  const metadataBytes = Number.parseInt(bytecode.slice(-4), 16) + 2
  return bytecode.slice(0, -2 * metadataBytes)
}

if (import.meta.main) {
  const text = await generateAbi()
  const before = await readFile(GENERATED_PATH, 'utf8').catch(() => '')
  if (text !== before) await writeFile(GENERATED_PATH, text)
  console.log(text === before ? 'node/chain/abi is up to date' : 'node/chain/abi written')
}
