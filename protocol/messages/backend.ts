import { z } from 'zod'

/** What computed an output: a field of offers and receipts, since honest outputs differ between backends. */
export const backendSchema = z.enum(['cpu', 'cuda', 'vulkan', 'metal'])
