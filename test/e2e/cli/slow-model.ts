import { writeGguf } from '../../../inference/models/gguf-writer.ts'
import { tinyModel } from '../../helpers/tiny-model.ts'

/** Of the size at which an answer takes seconds. */
const SHAPE = { name: 'slow', layers: 6, width: 768, heads: 12, ff: 2304, contextTokens: 4096 }
const TEMPLATE =
  '{% for message in messages %}{{ message.role }}: {{ message.content }}\n{% endfor %}assistant:'

/** Writes a real model of random weights: what it says is noise, and it goes on until it is stopped. */
export async function writeSlowModel(path: string): Promise<void> {
  const { metadata, tensors } = tinyModel('Q8_0', SHAPE)
  const template = { type: 'string', value: TEMPLATE } as const
  await writeGguf(path, { metadata: { ...metadata, 'tokenizer.chat_template': template }, tensors })
}
