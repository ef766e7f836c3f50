import { getAddress } from 'ethers/address'
import { hexlify } from 'ethers/utils'
import type { Address } from '../../../../../protocol/ids.ts'

/** What a Sign-In with Ethereum message says (ERC-4361). */
export interface LoginStatement {
  /** Host and port of the page: what the wallet compares with where the request comes from. */
  domain: string
  uri: string
  account: Address
  chainId: number
  /** One sentence for the person. */
  statement: string
  /** Given by the node, once. */
  nonce: string
  issuedAtMs: number
  expiresAt: string
}

/** The message of ERC-4361, in the one form its grammar allows. */
export function loginMessage(login: LoginStatement): string {
  return [
    `${login.domain} wants you to sign in with your Ethereum account:`,
    getAddress(login.account),
    '',
    login.statement.replaceAll('\n', ' '),
    '',
    `URI: ${login.uri}`,
    'Version: 1',
    `Chain ID: ${login.chainId}`,
    `Nonce: ${login.nonce}`,
    `Issued At: ${new Date(login.issuedAtMs).toISOString()}`,
    `Expiration Time: ${login.expiresAt}`,
  ].join('\n')
}

/** As `personal_sign` takes it: UTF-8 in hex, so that no wallet takes the text for something else. */
export function personalSignParams(message: string, account: Address): readonly [string, string] {
  return [hexlify(new TextEncoder().encode(message)), account]
}
