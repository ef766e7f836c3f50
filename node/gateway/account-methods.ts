import { z } from 'zod'
import {
  keyId,
  keyInput,
  rotateInput,
  tenantChange,
  tenantId,
  tenantInput,
} from './accounts/account-schemas.ts'

/** The commands about keys and tenants; part of `controlMethods`. */
export const accountMethods = {
  keys: z.strictObject({ tenant: z.nullable(tenantId).default(null) }),
  createKey: keyInput,
  rotateKey: rotateInput.extend({ id: keyId }),
  revokeKey: z.strictObject({ id: keyId }),
  tenants: z.strictObject({}),
  createTenant: tenantInput,
  changeTenant: tenantChange.extend({ id: tenantId }),
  /** A link that signs the owner in once. */
  ownerLink: z.strictObject({}),
} as const
