import type { Command } from 'commander'
import { bytes32, momentMs } from '../arguments.ts'
import { type CommonOptions, outputFrom, withCommonOptions } from '../context.ts'

export interface VerifyAttestationOptions extends CommonOptions {
  node: string
  /** `0x` and 64 hex digits. */
  nonce: string
  software?: string
  /** Milliseconds since the Unix epoch. */
  at?: number
}

/** Commands about evidence of the hardware that nodes run in. */
export function registerAttest(program: Command): void {
  const attest = program
    .command('attest')
    .description('Check evidence that a node runs in an AWS Nitro Enclave or an AMD SEV-SNP guest')
    .addHelpText(
      'after',
      '\nExample:\n  $ shoal attest verify evidence.bin --node 12D3KooW… --nonce 5a5a… --json',
    )
  withCommonOptions(attest.command('verify'))
    .description('Verify a Nitro document, or an SEV-SNP report with its certificates, and say what it shows')
    .argument('<file>', 'The evidence, as attestation.command prints it')
    .requiredOption('--node <peer>', 'PeerId of the node it must have been made for')
    .requiredOption('--nonce <hex>', 'The nonce it must answer: 32 bytes in hex', bytes32('--nonce'))
    .option('--software <file>', 'Also demand software that this file lists, as privacy.attested does')
    .option('--at <time>', 'Judge as of then, such as 2026-01-31T12:00:00Z; default: now', momentMs('--at'))
    .addHelpText(
      'after',
      `
Examples:
  $ shoal attest verify evidence.bin --node 12D3KooW… --nonce 5a5a…
  $ shoal attest verify evidence.bin --node 12D3KooW… --nonce 5a5a… --json

No node need run. A nitro document is the COSE_Sign1 of the NSM. An SEV-SNP report
is followed by its certificates: the table the host gives (auxblob), or as PEM.

Exit status: 0 believed, 1 not; the error's code says why.`,
    )
    .action(async (file: string, options: VerifyAttestationOptions) => {
      const { verifyAttestation } = await import('../attestation-report.ts')
      await verifyAttestation(file, options, outputFrom(options))
    })
}
