// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title INodeRegistry
/// @author Shoal
/// @notice Each wallet says which node key is its own, and anyone can ask how far a wallet is known.
///
/// A binding is one half of a pair. It can be looked up from wallet to node key only, because anyone can declare
/// any key: a lookup from key to wallet would let a stranger occupy somebody else's key. Peers believe a pair only
/// when the node key has also signed the wallet's address, off chain; then neither side can claim the other alone. The
/// chain cannot ask for that signature: node keys are Ed25519, which the EVM cannot verify at a sane price.
///
/// A wallet replaces a lost key with `bind`. A leaked one it gives up for ever with `revoke`, or with `revokeAndBind`
/// when it has another at hand; whoever reads the chain can then refuse the key for good. `bindFor` takes the wallet's
/// signature in place of its transaction: an EIP-712 message
/// `Bind(address wallet,bytes32 nodeKey,uint256 nonce,uint256 deadline)` of the domain "Shoal NodeRegistry", version
/// "1". Every change of a wallet's binding or revocations uses its nonce up, so a signature that lies about unused is
/// void after any later decision of the wallet.
///
/// The owner names the attesters and sets how long a history is, within bounds; it has no say in bindings.
interface INodeRegistry {
    /// @notice How far a wallet is known. Not a ladder: somebody attested may have no stake. `isVerified` and
    /// `attestationOf` tell each for itself.
    /// - `Anonymous`: nothing is known.
    /// - `Verified`: it is active in some role, had the stake for it `historySeconds` ago already, has been bound to
    ///   the same node key for as long, and was not slashed since.
    /// - `Attested`: an attester that the owner named vouches for it.
    enum Level {
        Anonymous,
        Verified,
        Attested
    }

    /// @notice Who may attest what.
    /// @param name What it is called; zero when it never was an attester.
    /// @param kinds Bits `KYC` and `CERTIFIED`; 0 when it is no attester.
    /// @param term How often it was dismissed: what it attested in an earlier term does not count.
    struct Attester {
        bytes32 name;
        uint8 kinds;
        uint32 term;
    }

    /// @notice What an attester said of a wallet. Two slots.
    /// @param attester Who; zero when nobody did.
    /// @param expiresAt It counts until then, in seconds since the Unix epoch.
    /// @param term The attester's, when it said so.
    /// @param evidence What the attester can show for it: a hash that gives nothing personal away.
    struct Attestation {
        address attester;
        uint48 expiresAt;
        uint32 term;
        bytes32 evidence;
    }

    /// @notice A wallet declared its node key.
    /// @param wallet The wallet.
    /// @param nodeKey Its node key from now on.
    /// @param previousNodeKey What it was before; zero when there was none.
    event NodeKeyBound(address indexed wallet, bytes32 indexed nodeKey, bytes32 previousNodeKey);

    /// @notice A wallet has no node key any more.
    /// @param wallet The wallet.
    /// @param previousNodeKey What it was before.
    event NodeKeyUnbound(address indexed wallet, bytes32 indexed previousNodeKey);

    /// @notice A wallet gave a node key up for ever.
    /// @param wallet The wallet.
    /// @param nodeKey The key that must not be believed to be this wallet's.
    event NodeKeyRevoked(address indexed wallet, bytes32 indexed nodeKey);

    /// @notice An attester was named, changed or dismissed.
    /// @param attester Its account.
    /// @param name What it is called.
    /// @param kinds What it may attest; 0 when it was dismissed.
    event AttesterSet(address indexed attester, bytes32 indexed name, uint8 kinds);

    /// @notice A wallet was attested.
    /// @param wallet The wallet.
    /// @param kind `KYC` or `CERTIFIED`.
    /// @param attester Who vouches.
    /// @param expiresAt Until when, in seconds since the Unix epoch.
    /// @param evidence What the attester can show for it.
    event Attested(
        address indexed wallet,
        uint8 indexed kind,
        address indexed attester,
        uint256 expiresAt,
        bytes32 evidence
    );

    /// @notice An attestation was taken back, by its attester or by the wallet.
    /// @param wallet The wallet.
    /// @param kind `KYC` or `CERTIFIED`.
    /// @param attester Who had vouched.
    event AttestationRevoked(address indexed wallet, uint8 indexed kind, address indexed attester);

    /// @notice The length of a history was set.
    /// @param duration Seconds.
    event HistorySet(uint256 duration);

    /// @notice Zero is no node key.
    error ZeroNodeKey();

    /// @notice An address must not be zero.
    error ZeroAddress();

    /// @notice An attester needs a name.
    error ZeroName();

    /// @notice The wallet has no node key.
    error NotBound();

    /// @notice The wallet has given this key up for ever.
    /// @param nodeKey The key.
    error NodeKeyIsRevoked(bytes32 nodeKey);

    /// @notice The signature was not used in time.
    /// @param deadline Its last second, since the Unix epoch.
    error DeadlinePassed(uint256 deadline);

    /// @notice The signature is not the wallet's, or is for another key, nonce, deadline, chain or contract.
    error BadSignature();

    /// @notice The caller may not attest this.
    /// @param kind What it wanted to attest.
    error NotAttester(uint8 kind);

    /// @notice This is no kind of attestation, or not exactly one.
    /// @param kind What was asked for.
    error UnknownKind(uint8 kind);

    /// @notice An attestation must end in the future.
    /// @param expiresAt The end asked for, in seconds since the Unix epoch.
    error ExpiryNotInFuture(uint256 expiresAt);

    /// @notice Another attester vouches for this already. That stands until it ends or is taken back.
    /// @param attester The other.
    error AttestedByAnother(address attester);

    /// @notice There is no such attestation, or the caller has no say in it.
    error NoSuchAttestation();

    /// @notice The length of a history is out of its bounds.
    /// @param duration Seconds asked for.
    /// @param lowest Least that is possible.
    /// @param highest Most that is possible.
    error HistoryOutOfBounds(uint256 duration, uint256 lowest, uint256 highest);

    /// @notice Declares the caller's node key, in place of any before: this is also how a lost key is replaced.
    /// Binding the same key again changes nothing but the nonce.
    /// @param nodeKey Ed25519 public key, 32 bytes, not zero.
    /// @dev Reverts with `ZeroNodeKey`, `NodeKeyIsRevoked`.
    function bind(bytes32 nodeKey) external;

    /// @notice Declares a wallet's node key with its signature; anyone can bring it.
    /// @param wallet Whose, an account with a key or a contract that speaks ERC-1271.
    /// @param nodeKey Ed25519 public key, 32 bytes, not zero.
    /// @param deadline Last second, since the Unix epoch, at which the signature is valid.
    /// @param signature The wallet's, over `bindDigest` with its present nonce.
    /// @dev Reverts like `bind`, and with `DeadlinePassed`, `BadSignature`.
    function bindFor(address wallet, bytes32 nodeKey, uint256 deadline, bytes calldata signature) external;

    /// @notice Takes the caller's node key away.
    /// @dev Reverts with `NotBound`.
    function unbind() external;

    /// @notice Gives a leaked node key up for ever: the caller can not bind it again, and is unbound if it is bound to
    /// it now. Says nothing about other wallets.
    /// @param nodeKey Any key, not zero, whether or not the caller was ever bound to it.
    /// @dev Reverts with `ZeroNodeKey`, `NodeKeyIsRevoked`.
    function revoke(bytes32 nodeKey) external;

    /// @notice Gives the caller's present node key up for ever and declares another.
    /// @param newKey Ed25519 public key, 32 bytes, not zero.
    /// @dev Reverts with `NotBound`, and like `bind`; also when the new key is the present one.
    function revokeAndBind(bytes32 newKey) external;

    /// @notice Names, changes or dismisses an attester. What a dismissed one has attested never counts again, even if
    /// it is named anew; what it may no longer attest does not count meanwhile.
    /// @param attester Its account, not zero.
    /// @param name What it is called; not zero unless it is dismissed.
    /// @param kinds Bits `KYC` and `CERTIFIED`; 0 dismisses it.
    /// @dev Only for the owner. Reverts with `ZeroAddress`, `ZeroName`, `UnknownKind`.
    function setAttester(address attester, bytes32 name, uint8 kinds) external;

    /// @notice Sets the length of a history.
    /// @param duration Seconds, from `minHistorySeconds` to `MAX_HISTORY_SECONDS`.
    /// @dev Only for the owner. Reverts with `HistoryOutOfBounds`.
    function setHistorySeconds(uint256 duration) external;

    /// @notice Vouches for a wallet, in place of what the caller said before.
    /// @param wallet Whom, not zero.
    /// @param kind `KYC` or `CERTIFIED`.
    /// @param expiresAt Until when, in seconds since the Unix epoch.
    /// @param evidence What the caller can show for it: a hash that gives nothing personal away. Not looked at.
    /// @dev Reverts with `UnknownKind`, `NotAttester`, `ZeroAddress`, `ExpiryNotInFuture`, `AttestedByAnother`.
    function attest(address wallet, uint8 kind, uint48 expiresAt, bytes32 evidence) external;

    /// @notice Takes an attestation back: for the attester that made it, in office or not, and for the wallet itself.
    /// @param wallet Of whom.
    /// @param kind `KYC` or `CERTIFIED`.
    /// @dev Reverts with `NoSuchAttestation`.
    function revokeAttestation(address wallet, uint8 kind) external;

    /// @notice Where the stakes are. Never changes.
    /// @return account Address of Staking.
    function staking() external view returns (address account);

    /// @notice The node key a wallet declared.
    /// @param wallet Any wallet.
    /// @return nodeKey Ed25519 public key; zero when it has none.
    function nodeKeyOf(address wallet) external view returns (bytes32 nodeKey);

    /// @notice Since when a wallet has declared its present node key.
    /// @param wallet Any wallet.
    /// @return timestamp Seconds since the Unix epoch; 0 when it has none.
    function boundSince(address wallet) external view returns (uint48 timestamp);

    /// @notice Whether a wallet has given a node key up for ever.
    /// @param wallet Any wallet.
    /// @param nodeKey Any key.
    /// @return revoked True from its revocation on.
    function isRevoked(address wallet, bytes32 nodeKey) external view returns (bool revoked);

    /// @notice What a wallet signs for `bindFor`.
    /// @param wallet The wallet.
    /// @param nodeKey Its node key to be.
    /// @param nonce `nonces` of the wallet.
    /// @param deadline Last second, since the Unix epoch, at which the signature is valid.
    /// @return digest EIP-712 digest for this contract on this chain.
    function bindDigest(
        address wallet,
        bytes32 nodeKey,
        uint256 nonce,
        uint256 deadline
    ) external view returns (bytes32 digest);

    /// @notice The number that a wallet's next signature has to name.
    /// @param wallet Any wallet.
    /// @return nonce How many changes of its binding and revocations it has made.
    function nonces(address wallet) external view returns (uint256 nonce);

    /// @notice How far a wallet is known.
    /// @param wallet Any wallet.
    /// @return level `Attested` if somebody vouches for it, otherwise `Verified` if it is, otherwise `Anonymous`.
    function levelOf(address wallet) external view returns (Level level);

    /// @notice Whether a wallet has stake and history.
    /// @param wallet Any wallet.
    /// @return verified As for `Level.Verified`, whether or not it is attested.
    function isVerified(address wallet) external view returns (bool verified);

    /// @notice How long a wallet must have been bound to one key, and not slashed, to be verified.
    /// @return duration Seconds.
    function historySeconds() external view returns (uint256 duration);

    /// @notice A history is never shorter. Never changes.
    /// @return duration Seconds.
    function minHistorySeconds() external view returns (uint256 duration);

    /// @notice Who may attest what.
    /// @param account Any account.
    /// @return attester All zero when it never was one.
    function attesterOf(address account) external view returns (Attester memory attester);

    /// @notice What was attested of a wallet.
    /// @param wallet Any wallet.
    /// @param kind `KYC` or `CERTIFIED`.
    /// @return attestation All zero when there is none.
    /// @return counts Whether it has not ended and its attester may still attest it.
    function attestationOf(
        address wallet,
        uint8 kind
    ) external view returns (Attestation memory attestation, bool counts);
}
