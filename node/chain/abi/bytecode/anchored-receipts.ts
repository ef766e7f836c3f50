// Made by `npm run generate` from contracts/. Do not edit.

/** Runs once, to create the contract. */
export const anchoredReceiptsBytecode =
  '0x60556032600b8282823980515f1a607314602657634e487b7160e01b5f525f60045260245ffd5b305f52607381538281f3fe730000000000000000000000000000000000000000301460806040525f5ffdfea26469706673582212202c1b537da9ac638e28b122fb0b0b800fa32449365d3bf5bc927b513c2ad63e9264736f6c63430008250033'

/** What lies on chain, with zeros at `anchoredReceiptsImmutables`. */
export const anchoredReceiptsRuntimeBytecode =
  '0x730000000000000000000000000000000000000000301460806040525f5ffdfea26469706673582212202c1b537da9ac638e28b122fb0b0b800fa32449365d3bf5bc927b513c2ad63e9264736f6c63430008250033'

/** Byte ranges of the runtime code that the constructor fills in. */
export const anchoredReceiptsImmutables = [] as const
