import type { Attachment } from './model/conversation.ts'

const MAX_FILE_BYTES = 256 * 1_024
const MAX_FILES = 8

export interface AttachResult {
  attachments: Attachment[]
  /** Why some were left out. */
  problem: string | null
}

/** Reads files as text, and says of others why not: no model of the network sees pictures yet. */
export async function readFiles(files: readonly File[], already: number): Promise<AttachResult> {
  const attachments: Attachment[] = []
  let problem: string | null = null
  for (const file of files) {
    if (already + attachments.length >= MAX_FILES) problem = `At most ${MAX_FILES} files go with a question.`
    else if (file.size > MAX_FILE_BYTES)
      problem = `${file.name} is larger than ${MAX_FILE_BYTES / 1_024} KiB.`
    else {
      const text = decode(new Uint8Array(await file.arrayBuffer()))
      if (text === null) problem = `${file.name} is not text. The models of this network read text.`
      else attachments.push({ name: file.name, text })
    }
  }
  return { attachments, problem }
}

/** Null for what is no UTF-8 text. */
function decode(bytes: Uint8Array): string | null {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
    return text.includes('\0') ? null : text
  } catch {
    return null
  }
}
