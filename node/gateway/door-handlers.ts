import type { ShoalNode } from '../node.ts'
import type { ControlHandlersOf } from './control-api.ts'
import type { doorMethods } from './door-methods.ts'
import type { Door } from './http/door.ts'
import { DEFAULT_LISTEN } from './http/listen-address.ts'

/** What the commands about the door do. */
export function doorHandlers(node: ShoalNode, door: Door): ControlHandlersOf<keyof typeof doorMethods> {
  return {
    door: () => door.view,
    openDoor: async ({ listen }) => {
      await door.open(listen ?? node.config['gateway.listen'] ?? DEFAULT_LISTEN)
      return door.invite()
    },
  }
}
