import { z } from 'zod'
import { DATA_CLASSES } from '../../protocol/data-class.ts'

/** The commands that are more than one task; part of `controlMethods`. */
export const inferenceMethods = {
  /** Has texts made into vectors, all by one model. */
  embed: z.strictObject({
    texts: z.array(z.string().min(1).max(65_536)).min(1).max(256),
    model: z.nullable(z.string().max(200)).default(null),
    maxPrice: z.nullable(z.string().regex(/^\d+(\.\d+)?$/)).default(null),
    dataClass: z.nullable(z.enum(DATA_CLASSES)).default(null),
  }),
} as const

/** Tools of configured MCP servers that an answer may use, as `server/tool`, or a server for all of its tools. */
export const nodeTools = z.array(z.string().min(1).max(200)).max(32).default([])
