import { z } from 'zod'
import { DATA_CLASSES } from '../../protocol/data-class.ts'
import { ENTITY_KINDS } from '../../protocol/entity-kinds.ts'
import { MAX_ENTITY_TEXT_CHARS, MAX_TAGS_PER_ENTITY } from '../../protocol/limits.ts'
import { SLA_CLASSES } from '../../protocol/sla-class.ts'

/** What the command about offers must be given. */
export const offerMethods = {
  /** Models, or what else is made known; with tags and no kind, all that is no model. `maxPrice` in credits. */
  offers: z.strictObject({
    kind: z.nullable(z.enum(['model', ...ENTITY_KINDS])).default(null),
    model: z.nullable(z.string().max(200)).default(null),
    tags: z.array(z.string().min(1).max(MAX_ENTITY_TEXT_CHARS)).max(MAX_TAGS_PER_ENTITY).default([]),
    region: z.nullable(z.string().max(16)).default(null),
    maxPrice: z.nullable(z.string().regex(/^\d+(\.\d+)?$/)).default(null),
    dataClass: z.nullable(z.enum(DATA_CLASSES)).default(null),
    slaClass: z.nullable(z.enum(SLA_CLASSES)).default(null),
    limit: z.int().min(1).max(1_000).default(1_000),
  }),
} as const
