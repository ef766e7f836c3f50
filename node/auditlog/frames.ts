import type { FileHandle } from 'node:fs/promises'
import { auditEventMessage } from '../../protocol/messages/audit-event.ts'

/** On disk each record is preceded by its length, 4 bytes big-endian. */
export const LENGTH_BYTES = 4
export const MAX_FRAME_BYTES = LENGTH_BYTES + auditEventMessage.maxBytes
const CHUNK_BYTES = 1_048_576

export interface AuditFrame {
  /** Where the next frame begins, from the file's beginning. */
  end: number
  record: Uint8Array
}

export function frameOf(record: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(LENGTH_BYTES + record.length)
  frame.writeUInt32BE(record.length)
  frame.set(record, LENGTH_BYTES)
  return frame
}

/**
 * Reads whole frames in bounded memory. Ends where no whole frame follows; what is left then is a torn
 * tail, or damage.
 */
export async function* readFrames(file: FileHandle): AsyncGenerator<AuditFrame> {
  let pending = Buffer.alloc(0)
  let pendingOffset = 0
  for (;;) {
    const chunk = Buffer.allocUnsafe(CHUNK_BYTES)
    const { bytesRead } = await file.read(chunk, 0, CHUNK_BYTES, pendingOffset + pending.length)
    if (bytesRead === 0) return
    pending = Buffer.concat([pending, chunk.subarray(0, bytesRead)])
    for (;;) {
      if (pending.length < LENGTH_BYTES) break
      const length = pending.readUInt32BE()
      if (length === 0 || length > auditEventMessage.maxBytes) return
      if (pending.length < LENGTH_BYTES + length) break
      const record = new Uint8Array(pending.subarray(LENGTH_BYTES, LENGTH_BYTES + length))
      pending = pending.subarray(LENGTH_BYTES + length)
      pendingOffset += LENGTH_BYTES + length
      yield { end: pendingOffset, record }
    }
  }
}
