import { Socket as DatagramSocket } from 'node:dgram'
import { Socket } from 'node:net'
import type { ICryptoInterface } from '@chainsafe/libp2p-noise'

type Written = Uint8Array | string | { subarray(): Uint8Array }

/**
 * Sees every byte that leaves this process by a socket: as it is written, and, of libp2p, as it is before Noise
 * encrypts it. Nodes must be started after it.
 */
export class WireTap {
  #seen: Buffer[] = []
  #undo: (() => void)[] = []

  async start(): Promise<void> {
    const see = (bytes: Uint8Array) => void this.#seen.push(Buffer.from(bytes))
    const { prototype } = Socket as unknown as { prototype: { write: (...args: unknown[]) => boolean } }
    const { write } = prototype
    prototype.write = function (this: unknown, ...args: unknown[]) {
      const [data, encoding] = args as [Written, BufferEncoding | undefined]
      see(
        typeof data === 'string'
          ? Buffer.from(data, typeof encoding === 'string' ? encoding : 'utf8')
          : data.subarray(),
      )
      return write.apply(this, args)
    }
    const { prototype: datagrams } = DatagramSocket as unknown as {
      prototype: { send: (...args: unknown[]) => void }
    }
    const { send } = datagrams
    datagrams.send = function (this: unknown, ...args: unknown[]) {
      for (const part of [args[0]].flat())
        see(typeof part === 'string' ? Buffer.from(part) : (part as Uint8Array))
      send.apply(this, args)
    }
    // Not exported by name: what Noise encrypts with, from the file that makes it.
    const inside = new URL('./crypto/index.js', import.meta.resolve('@chainsafe/libp2p-noise'))
    const { defaultCrypto } = (await import(inside.href)) as { defaultCrypto: ICryptoInterface }
    const encrypt = defaultCrypto.chaCha20Poly1305Encrypt
    defaultCrypto.chaCha20Poly1305Encrypt = (plaintext, ...rest) => {
      see(plaintext.subarray())
      return encrypt.call(defaultCrypto, plaintext, ...rest)
    }
    this.#undo = [
      () => {
        prototype.write = write
      },
      () => {
        datagrams.send = send
      },
      () => {
        defaultCrypto.chaCha20Poly1305Encrypt = encrypt
      },
    ]
  }

  stop(): void {
    for (const undo of this.#undo.splice(0)) undo()
  }

  /** Forgets what was seen. */
  clear(): void {
    this.#seen = []
  }

  /** All that left since, in order. */
  get bytes(): Buffer {
    return Buffer.concat(this.#seen)
  }

  /** Whether a text left since, wherever the pieces were cut. */
  saw(text: string): boolean {
    return this.bytes.includes(text)
  }
}
