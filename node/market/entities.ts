import { readFile } from 'node:fs/promises'
import { z } from 'zod'
import { MAX_ENTITIES_PER_OFFER } from '../../protocol/limits.ts'
import { type Entity, entitySchema } from '../../protocol/messages/offer.ts'
import { parseCredits } from '../../protocol/money.ts'
import { ConfigError } from '../config/errors.ts'

/** Amounts are written as everywhere in what people read: decimal credits. */
const credits = z.string().transform((text, context) => {
  try {
    return parseCredits(text).toString()
  } catch {
    context.addIssue({ code: 'custom', message: 'expected credits, such as "0.5"' })
    return z.NEVER
  }
})

const fileSchema = z
  .array(
    z.strictObject({
      kind: z.string(),
      name: z.string(),
      tags: z.array(z.string()).default([]),
      endpoint: z.string().nullable().default(null),
      price: z.strictObject({ amount: credits, unit: z.string() }).nullable().default(null),
      capacity: z.number().nullable().default(null),
    }),
  )
  .max(MAX_ENTITIES_PER_OFFER)

/**
 * Reads the file of `offer.entities`: a JSON list of agents, services and resources to make known, each
 * `{kind, name, tags?, endpoint?, price?: {amount, unit}, capacity?}` with the amount in credits.
 * @throws {ConfigError} CONFIG_UNREADABLE, CONFIG_BAD_VALUE
 */
export async function readEntities(path: string): Promise<Entity[]> {
  let value: unknown
  try {
    value = JSON.parse(await readFile(path, 'utf8'))
  } catch (cause) {
    throw new ConfigError('CONFIG_UNREADABLE', `the entities file ${path} cannot be read as JSON`, {
      fix: 'Check the path and the syntax of the file.',
      details: { path },
      cause,
    })
  }
  const parsed = fileSchema.safeParse(value)
  const entities = parsed.success ? z.array(entitySchema).safeDecode(parsed.data as never) : parsed
  if (entities.success) return entities.data as Entity[]
  const [issue] = entities.error.issues
  const at = issue!.path.length === 0 ? '' : ` at ${issue!.path.join('.')}`
  throw new ConfigError('CONFIG_BAD_VALUE', `the entities file ${path} is wrong${at}: ${issue!.message}`, {
    fix: 'It is a list of {"kind": "agent" | "service" | "resource", "name": …, "tags": […], "price": {"amount": "0.5", "unit": "query"}}.',
    details: { path },
  })
}
