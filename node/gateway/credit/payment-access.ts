import type { GatewayReply, GatewayRequest } from '../http/plugin.ts'
import type { Principal } from '../http/principal.ts'
import type { Purse } from '../http/purse.ts'

/** Who comes without an account, and what pays. */
export interface PayingGuest {
  principal: Principal
  purse: Purse
}

/**
 * What the guard and the routes ask of payments. It is there from the start; while the chain has not answered, its
 * purses refuse with `GATEWAY_BUSY`.
 */
export interface PaymentAccess {
  /**
   * For a request that has no account, whose route needs `infer`: as whom it runs and what pays for it. Its purse takes
   * the payment that the request brought (`PAYMENT-SIGNATURE`), and otherwise answers PAYMENT_REQUIRED with the offers
   * in the header `PAYMENT-REQUIRED`. Put it on `request.principal` and `request.purse`.
   * @returns null where this gateway sells nothing to strangers (`gateway.payments`): then it is UNAUTHENTICATED
   */
  guest(request: GatewayRequest, reply: GatewayReply): PayingGuest | null
  /**
   * What pays for a request with the header `shoal-channel`, or for one of a wallet's session without it: the wallet's
   * credit here.
   * @param principal of a wallet that has signed in
   * @throws {GatewayError} PAYMENT_REQUIRED when the wallet has no such channel to this node, GATEWAY_BUSY while the
   *   chain has not answered
   */
  purse(channelId: string | null, principal: Principal): Promise<Purse>
}
