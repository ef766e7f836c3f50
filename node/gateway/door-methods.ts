import { z } from 'zod'

/** The commands about the door for HTTP; part of `controlMethods`. */
export const doorMethods = {
  /** Where it is open; null while it is closed. */
  door: z.strictObject({}),
  /** Null: where the settings say, or the usual place. */
  openDoor: z.strictObject({ listen: z.nullable(z.string().max(200)).default(null) }),
}
