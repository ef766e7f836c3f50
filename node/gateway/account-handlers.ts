import { systemClock } from '../clock.ts'
import type { ShoalNode } from '../node.ts'
import type { accountMethods } from './account-methods.ts'
import { AccountDesk } from './accounts/account-desk.ts'
import { OWNER } from './accounts/accounts.ts'
import type { ControlHandlersOf } from './control-api.ts'
import type { Door } from './http/door.ts'
import { GatewayError } from './http/http-error.ts'

/** What the commands about keys and tenants do: whoever can reach the control socket owns the node. */
export function accountHandlers(node: ShoalNode, door: Door): ControlHandlersOf<keyof typeof accountMethods> {
  const desk = new AccountDesk({ accounts: node.parts.accounts, clock: systemClock, log: node.log })
  return {
    keys: ({ tenant }) => desk.keys(OWNER, tenant),
    createKey: input => desk.createKey(OWNER, input),
    rotateKey: ({ id, overlapSeconds }) => desk.rotateKey(OWNER, id, overlapSeconds * 1_000),
    revokeKey: ({ id }) => desk.revokeKey(OWNER, id),
    tenants: () => desk.tenants(),
    createTenant: input => desk.createTenant(input),
    changeTenant: ({ id, ...change }) => desk.changeTenant(id, change),
    ownerLink: () => {
      const view = door.invite()
      if (view !== null) return { link: view.ownerLink }
      throw new GatewayError('CONFLICT', 'the door is closed', { fix: 'Open it: shoal serve' })
    },
  }
}
