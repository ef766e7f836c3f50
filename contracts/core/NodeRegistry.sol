// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {Nonces} from "@openzeppelin/contracts/utils/Nonces.sol";

import {INodeRegistry} from "../interfaces/INodeRegistry.sol";
import {IStaking} from "../interfaces/IStaking.sol";
import {Roles} from "../libraries/Roles.sol";
import {Signatures} from "../libraries/Signatures.sol";

/// @title NodeRegistry
/// @author Shoal
/// @notice See {INodeRegistry}.
/// @dev Holds no money. The only foreign code that runs is a wallet's ERC-1271 check, by a static call, and Staking's
/// views.
contract NodeRegistry is INodeRegistry, Ownable, EIP712, Nonces {
    using SafeCast for uint256;

    /// @notice Kind of attestation: the attester knows who the wallet's owner is.
    uint8 public constant KYC = 1;

    /// @notice Kind of attestation: the attester has examined what the wallet's node runs on.
    uint8 public constant CERTIFIED = 2;

    /// @notice Most that the length of a history can be set to, in seconds.
    uint256 public constant MAX_HISTORY_SECONDS = 365 days;

    /// @notice keccak256 of the EIP-712 encoding of the message's type.
    bytes32 private constant _BIND_TYPE_HASH = keccak256(
        "Bind(address wallet,bytes32 nodeKey,uint256 nonce,uint256 deadline)"
    );

    /// @inheritdoc INodeRegistry
    address public immutable override staking;

    /// @inheritdoc INodeRegistry
    uint256 public immutable override minHistorySeconds;

    /// @inheritdoc INodeRegistry
    uint256 public override historySeconds;

    /// @inheritdoc INodeRegistry
    mapping(address wallet => bytes32 nodeKey) public override nodeKeyOf;

    /// @inheritdoc INodeRegistry
    mapping(address wallet => uint48 timestamp) public override boundSince;

    /// @inheritdoc INodeRegistry
    mapping(address wallet => mapping(bytes32 nodeKey => bool revoked)) public override isRevoked;

    mapping(address account => Attester attester) private _attesters;

    mapping(address wallet => mapping(uint8 kind => Attestation attestation)) private _attestations;

    /// @notice Fixes where the stakes are and the bounds.
    /// @param staking_ Address of Staking.
    /// @param owner_ Who names the attesters: the governance's timelock.
    /// @param minHistorySeconds_ Lower bound of the length of a history, in seconds.
    /// @param historySeconds_ The length of a history at the start, in seconds.
    constructor(
        address staking_,
        address owner_,
        uint256 minHistorySeconds_,
        uint256 historySeconds_
    ) Ownable(owner_) EIP712("Shoal NodeRegistry", "1") {
        if (staking_ == address(0)) revert ZeroAddress();
        if (minHistorySeconds_ == 0) revert HistoryOutOfBounds(0, 1, MAX_HISTORY_SECONDS);
        staking = staking_;
        minHistorySeconds = minHistorySeconds_;
        _setHistorySeconds(historySeconds_);
    }

    /// @inheritdoc INodeRegistry
    function bind(bytes32 nodeKey) external override {
        _bind(msg.sender, nodeKey);
    }

    /// @inheritdoc INodeRegistry
    function bindFor(address wallet, bytes32 nodeKey, uint256 deadline, bytes calldata signature) external override {
        if (block.timestamp > deadline) revert DeadlinePassed(deadline);
        bytes32 digest = bindDigest(wallet, nodeKey, nonces(wallet), deadline);
        if (!Signatures.isValid(wallet, digest, signature)) revert BadSignature();
        _bind(wallet, nodeKey);
    }

    /// @inheritdoc INodeRegistry
    function unbind() external override {
        _requireBound(msg.sender);
        _useNonce(msg.sender);
        _unbind(msg.sender);
    }

    /// @inheritdoc INodeRegistry
    function revoke(bytes32 nodeKey) external override {
        if (nodeKey == bytes32(0)) revert ZeroNodeKey();
        _requireNotRevoked(msg.sender, nodeKey);
        _useNonce(msg.sender);
        _revoke(msg.sender, nodeKey);
        if (nodeKey == nodeKeyOf[msg.sender]) _unbind(msg.sender);
    }

    /// @inheritdoc INodeRegistry
    function revokeAndBind(bytes32 newKey) external override {
        _revoke(msg.sender, _requireBound(msg.sender));
        _bind(msg.sender, newKey);
    }

    /// @inheritdoc INodeRegistry
    function setAttester(address attester, bytes32 name, uint8 kinds) external override onlyOwner {
        if (attester == address(0)) revert ZeroAddress();
        if (kinds & ~(KYC | CERTIFIED) != 0) revert UnknownKind(kinds);
        if (kinds != 0 && name == bytes32(0)) revert ZeroName();
        Attester storage stored = _attesters[attester];
        if (kinds == 0) ++stored.term;
        stored.name = name;
        stored.kinds = kinds;
        emit AttesterSet(attester, name, kinds);
    }

    /// @inheritdoc INodeRegistry
    function setHistorySeconds(uint256 duration) external override onlyOwner {
        _setHistorySeconds(duration);
    }

    /// @inheritdoc INodeRegistry
    function attest(address wallet, uint8 kind, uint48 expiresAt, bytes32 evidence) external override {
        if (kind != KYC && kind != CERTIFIED) revert UnknownKind(kind);
        Attester storage attester = _attesters[msg.sender];
        if (attester.kinds & kind == 0) revert NotAttester(kind);
        if (wallet == address(0)) revert ZeroAddress();
        if (!(expiresAt > block.timestamp)) revert ExpiryNotInFuture(expiresAt);
        Attestation storage stored = _attestations[wallet][kind];
        address before = stored.attester;
        if (before != msg.sender && _counts(stored, kind)) revert AttestedByAnother(before);
        stored.attester = msg.sender;
        stored.expiresAt = expiresAt;
        stored.term = attester.term;
        stored.evidence = evidence;
        emit Attested(wallet, kind, msg.sender, expiresAt, evidence);
    }

    /// @inheritdoc INodeRegistry
    function revokeAttestation(address wallet, uint8 kind) external override {
        address attester = _attestations[wallet][kind].attester;
        if (attester == address(0) || (msg.sender != attester && msg.sender != wallet)) revert NoSuchAttestation();
        delete _attestations[wallet][kind];
        emit AttestationRevoked(wallet, kind, attester);
    }

    /// @inheritdoc INodeRegistry
    function levelOf(address wallet) external view override returns (Level level) {
        if (_counts(_attestations[wallet][KYC], KYC)) return Level.Attested;
        if (_counts(_attestations[wallet][CERTIFIED], CERTIFIED)) return Level.Attested;
        return isVerified(wallet) ? Level.Verified : Level.Anonymous;
    }

    /// @inheritdoc INodeRegistry
    function attesterOf(address account) external view override returns (Attester memory attester) {
        return _attesters[account];
    }

    /// @inheritdoc INodeRegistry
    function attestationOf(
        address wallet,
        uint8 kind
    ) external view override returns (Attestation memory attestation, bool counts) {
        Attestation storage stored = _attestations[wallet][kind];
        return (stored, _counts(stored, kind));
    }

    /// @inheritdoc INodeRegistry
    function isVerified(address wallet) public view override returns (bool verified) {
        uint256 since = boundSince[wallet];
        if (since == 0 || _isRecent(since)) return false;
        if (_isRecent(IStaking(staking).lastSlashedAt(wallet))) return false;
        IStaking stakes = IStaking(staking);
        if (!stakes.isActive(wallet, Roles.ALL)) return false;
        // Not recent, so the history is not longer than the chain's time.
        uint256 stakedThen = stakes.getPastVotes(wallet, block.timestamp - historySeconds);
        return !(stakedThen < stakes.requiredStake(stakes.rolesOf(wallet)));
    }

    /// @inheritdoc INodeRegistry
    function bindDigest(
        address wallet,
        bytes32 nodeKey,
        uint256 nonce,
        uint256 deadline
    ) public view override returns (bytes32 digest) {
        return _hashTypedDataV4(keccak256(abi.encode(_BIND_TYPE_HASH, wallet, nodeKey, nonce, deadline)));
    }

    /// @inheritdoc INodeRegistry
    function nonces(address wallet) public view override(INodeRegistry, Nonces) returns (uint256 nonce) {
        return super.nonces(wallet);
    }

    /// @notice Declares a wallet's node key. One that it has already keeps its date.
    /// @param wallet Whose.
    /// @param nodeKey The key.
    function _bind(address wallet, bytes32 nodeKey) private {
        if (nodeKey == bytes32(0)) revert ZeroNodeKey();
        _requireNotRevoked(wallet, nodeKey);
        _useNonce(wallet);
        bytes32 previous = nodeKeyOf[wallet];
        if (nodeKey != previous) {
            nodeKeyOf[wallet] = nodeKey;
            boundSince[wallet] = block.timestamp.toUint48();
        }
        emit NodeKeyBound(wallet, nodeKey, previous);
    }

    /// @notice Takes a wallet's node key away.
    /// @param wallet Whose; it is bound.
    function _unbind(address wallet) private {
        bytes32 previous = nodeKeyOf[wallet];
        nodeKeyOf[wallet] = bytes32(0);
        boundSince[wallet] = 0;
        emit NodeKeyUnbound(wallet, previous);
    }

    /// @notice Marks a key as given up.
    /// @param wallet By whom.
    /// @param nodeKey The key; it is not revoked yet.
    function _revoke(address wallet, bytes32 nodeKey) private {
        isRevoked[wallet][nodeKey] = true;
        emit NodeKeyRevoked(wallet, nodeKey);
    }

    /// @notice Writes the length of a history, within its bounds.
    /// @param duration Seconds.
    function _setHistorySeconds(uint256 duration) private {
        if (duration < minHistorySeconds || duration > MAX_HISTORY_SECONDS) {
            revert HistoryOutOfBounds(duration, minHistorySeconds, MAX_HISTORY_SECONDS);
        }
        historySeconds = duration;
        emit HistorySet(duration);
    }

    /// @notice Reverts unless a wallet has a node key.
    /// @param wallet Whose.
    /// @return nodeKey The key.
    function _requireBound(address wallet) private view returns (bytes32 nodeKey) {
        nodeKey = nodeKeyOf[wallet];
        if (nodeKey == bytes32(0)) revert NotBound();
    }

    /// @notice Reverts if a wallet has given a key up.
    /// @param wallet By whom.
    /// @param nodeKey The key.
    function _requireNotRevoked(address wallet, bytes32 nodeKey) private view {
        if (isRevoked[wallet][nodeKey]) revert NodeKeyIsRevoked(nodeKey);
    }

    /// @notice Whether less than a history has passed since a time.
    /// @param timestamp Seconds since the Unix epoch; 0, for never, is long ago.
    /// @return recent True until `historySeconds` later.
    function _isRecent(uint256 timestamp) private view returns (bool recent) {
        return block.timestamp < timestamp + historySeconds;
    }

    /// @notice Whether an attestation has not ended and its attester may still attest it.
    /// @param attestation Of some wallet.
    /// @param kind Its kind.
    /// @return counts False when there is none.
    function _counts(Attestation storage attestation, uint8 kind) private view returns (bool counts) {
        if (!(attestation.expiresAt > block.timestamp)) return false;
        Attester storage attester = _attesters[attestation.attester];
        return attester.kinds & kind != 0 && attester.term == attestation.term;
    }
}
