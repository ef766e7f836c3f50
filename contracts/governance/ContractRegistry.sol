// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

import {IContractRegistry} from "../interfaces/IContractRegistry.sol";

/// @title ContractRegistry
/// @author Shoal
/// @notice See {IContractRegistry}.
/// @dev Calls no other contract and never removes anything.
contract ContractRegistry is Ownable, IContractRegistry {
    using SafeCast for uint256;

    /// @notice Most bytes of what a version is called.
    uint256 public constant MAX_VERSION_BYTES = 32;

    mapping(bytes32 name => Version[] versions) private _versions;

    /// @dev The chosen version's place plus one; 0 when none was chosen.
    mapping(address user => mapping(bytes32 name => uint256 place)) private _choices;

    /// @notice Begins with a first version of some contracts.
    /// @param owner_ Who publishes: the governance's timelock.
    /// @param names Their names.
    /// @param implementations Where they are, in the same order.
    /// @param version What these versions are called.
    constructor(
        address owner_,
        bytes32[] memory names,
        address[] memory implementations,
        string memory version
    ) Ownable(owner_) {
        uint256 count = names.length;
        if (implementations.length != count) revert LengthsDiffer(count, implementations.length);
        for (uint256 index = 0; index < count; ++index) _publish(names[index], implementations[index], version);
    }

    /// @inheritdoc IContractRegistry
    function publish(
        bytes32 name,
        address implementation,
        string calldata version
    ) external override onlyOwner returns (uint256 index) {
        return _publish(name, implementation, version);
    }

    /// @inheritdoc IContractRegistry
    function choose(bytes32 name, uint256 index) external override {
        if (!(index < _versions[name].length)) revert VersionUnknown(name, index);
        _choices[msg.sender][name] = index + 1;
        emit VersionChosen(msg.sender, name, index);
    }

    /// @inheritdoc IContractRegistry
    function versionCount(bytes32 name) external view override returns (uint256 count) {
        return _versions[name].length;
    }

    /// @inheritdoc IContractRegistry
    function latest(bytes32 name) external view override returns (Version memory version) {
        uint256 count = _versions[name].length;
        if (count == 0) revert VersionUnknown(name, 0);
        return _versions[name][count - 1];
    }

    /// @inheritdoc IContractRegistry
    function choiceOf(address user, bytes32 name) external view override returns (bool chosen, uint256 index) {
        uint256 place = _choices[user][name];
        return place == 0 ? (false, 0) : (true, place - 1);
    }

    /// @inheritdoc IContractRegistry
    function versionAt(bytes32 name, uint256 index) public view override returns (Version memory version) {
        if (!(index < _versions[name].length)) revert VersionUnknown(name, index);
        return _versions[name][index];
    }

    /// @notice Adds a version.
    /// @param name The contract's name.
    /// @param implementation Where it is.
    /// @param version What it is called.
    /// @return index Its place.
    function _publish(bytes32 name, address implementation, string memory version) private returns (uint256 index) {
        if (name == bytes32(0)) revert ZeroName();
        if (implementation.code.length == 0) revert NotAContract(implementation);
        uint256 length = bytes(version).length;
        if (length == 0 || length > MAX_VERSION_BYTES) revert VersionLengthInvalid(length);
        index = _versions[name].length;
        _versions[name].push(
            Version({implementation: implementation, publishedAt: block.timestamp.toUint48(), version: version})
        );
        emit VersionPublished(name, index, implementation, version);
    }
}
