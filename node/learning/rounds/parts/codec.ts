import { copyFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { UpdateEncoding } from '../../../../protocol/messages/learning/round-manifest.ts'
import type { RoundContext } from '../seams.ts'

/** How updates are packed for their way. */
export interface UpdateCodec {
  /**
   * Packs an adapter's file as the round's manifest says.
   * @param folder where the packed file may lie
   */
  encode(
    context: RoundContext,
    path: string,
    folder: string,
  ): Promise<{ path: string; encoding: UpdateEncoding }>
  /**
   * The adapter's file of what came.
   * @throws {ShoalError} when it is no such update
   */
  decode(context: RoundContext, path: string): Promise<string>
}

/** Updates travel as the adapter files they are. */
export class PlainCodec implements UpdateCodec {
  async encode(_context: RoundContext, path: string, folder: string) {
    const sent = join(folder, 'sent.gguf')
    await copyFile(path, sent)
    return { path: sent, encoding: 'gguf' as const }
  }

  async decode(_context: RoundContext, path: string): Promise<string> {
    return path
  }
}
