import type { Bytes32, ModelId } from '../../protocol/ids.ts'
import type { Receipt } from '../../protocol/messages/receipt.ts'
import type { TaskRequest } from '../../protocol/messages/task-request.ts'

/**
 * Whether a receipt says that the output was made as it was asked for, as far as the request alone tells: what only the
 * model can tell is left to audits.
 * @param known digest of the model's chat template; null where it has none, undefined where we do not know
 * @param worn the adapter of the model that was asked for, by its offer; null for none
 */
export function saysAsAsked(
  {
    adapter,
    chatTemplate,
    prompt,
    sampler,
  }: Pick<Receipt, 'adapter' | 'chatTemplate' | 'prompt' | 'sampler'>,
  { input, jsonSchema }: Pick<TaskRequest, 'input' | 'jsonSchema'>,
  known: Bytes32 | null | undefined,
  worn: ModelId | null = null,
): boolean {
  if (adapter !== worn) return false
  // What is embedded is not read as a prompt is, and nothing is sampled.
  if (input.kind === 'embedding') return chatTemplate === null && prompt === null && sampler === 'engine'
  if (input.kind === 'completion' && chatTemplate !== null) return false
  if (input.kind === 'chat' && known !== undefined && chatTemplate !== known) return false
  // Who samples as agreed reads the prompt token by token; only a grammar may need another sampler.
  return sampler === 'gumbel-64/1' ? prompt !== null : jsonSchema !== null
}
