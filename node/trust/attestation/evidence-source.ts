import { execFile } from 'node:child_process'
import { bytesToHex } from '@noble/hashes/utils.js'
import { MAX_ATTESTATION_BYTES } from '../../../protocol/limits.ts'

/** What evidence is to say, as hardware takes it. */
export interface EvidenceOrder {
  /** 32 bytes: the `nonce` of a Nitro document; nothing for SEV-SNP. */
  nonce: Uint8Array
  /** 64 bytes: the `user_data` of a Nitro document, the REPORT_DATA of an SEV-SNP report. */
  userData: Uint8Array
}

/** Gets evidence from the hardware that this node runs on. */
export interface EvidenceSource {
  /**
   * @returns a Nitro document, or an SEV-SNP report followed by its certificates
   * @throws {Error} when there is none, it takes too long, or the signal fires
   */
  evidence(order: EvidenceOrder, signal: AbortSignal): Promise<Uint8Array>
}

const TIMEOUT_MS = 10_000
const MAX_STDERR_CHARS = 500

/**
 * Evidence by a program of the operator's. Devices of enclaves are spoken to by ioctl, which Node has not; a
 * program can do that for any hardware. It gets the nonce and the user data as its last two arguments, in hex, and
 * prints the evidence. No shell is involved.
 */
export class CommandEvidenceSource implements EvidenceSource {
  readonly #file: string
  readonly #args: readonly string[]

  /** @param command the program, and arguments that come first */
  constructor(command: readonly [string, ...string[]]) {
    const [file, ...args] = command
    this.#file = file
    this.#args = args
  }

  evidence({ nonce, userData }: EvidenceOrder, signal: AbortSignal): Promise<Uint8Array> {
    const args = [...this.#args, bytesToHex(nonce), bytesToHex(userData)]
    const options = {
      encoding: 'buffer',
      timeout: TIMEOUT_MS,
      killSignal: 'SIGKILL',
      maxBuffer: MAX_ATTESTATION_BYTES,
      windowsHide: true,
      signal,
      // It is the operator's, and has no use for the secrets of the node.
      env: Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('SHOAL_'))),
    } as const
    return new Promise((resolve, reject) => {
      execFile(this.#file, args, options, (error, stdout, stderr) => {
        if (error === null && stdout.length > 0) return resolve(new Uint8Array(stdout))
        const said = stderr.toString('utf8').slice(0, MAX_STDERR_CHARS).trim()
        const what = error === null ? 'it printed nothing' : said === '' ? error.message : said
        reject(new Error(`the program of attestation.command failed: ${what}`, { cause: error }))
      })
    })
  }
}
