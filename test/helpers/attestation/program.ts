import { createPrivateKey } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { type NitroChain, nitroDocument } from './nitro-hypervisor.ts'

/**
 * A program as `attestation.command` names one, of a machine whose hypervisor is a test authority. Its first
 * argument is a file that `writeMachine` wrote; then come nonce and user data.
 */
export const PROGRAM = fileURLToPath(import.meta.url)

export function writeMachine(path: string, { issuers, signer }: NitroChain): void {
  const machine = {
    issuers: issuers.map(({ der }) => der.toString('base64')),
    signer: signer.der.toString('base64'),
    key: signer.privateKey.export({ type: 'pkcs8', format: 'der' }).toString('base64'),
  }
  writeFileSync(path, JSON.stringify(machine))
}

function run(path: string, nonce: string, userData: string): void {
  const machine = JSON.parse(readFileSync(path, 'utf8')) as { issuers: string[]; signer: string; key: string }
  const holder = (der: string) => ({ name: '', fingerprint: '', der: Buffer.from(der, 'base64'), privateKey })
  const privateKey = createPrivateKey({
    key: Buffer.from(machine.key, 'base64'),
    format: 'der',
    type: 'pkcs8',
  })
  const chain = { issuers: machine.issuers.map(holder), signer: holder(machine.signer) }
  const given = {
    timestamp: Date.now(),
    nonce: Buffer.from(nonce, 'hex'),
    user_data: Buffer.from(userData, 'hex'),
  }
  const unused = { nodeKey: '00'.repeat(32), nonce: `0x${'00'.repeat(32)}` }
  process.stdout.write(nitroDocument(chain, unused, given))
}

if (process.argv[1] === PROGRAM) {
  const [machine, nonce, userData] = process.argv.slice(2) as [string, string, string]
  run(machine, nonce, userData)
}
