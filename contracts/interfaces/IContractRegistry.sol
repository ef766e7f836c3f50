// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title IContractRegistry
/// @author Shoal
/// @notice Where the versions of Shoal's contracts are. Contracts that hold money cannot be changed: a better one is a
/// new contract beside the old one, published here by governance. Versions are only ever added. Nobody is moved: each
/// user says here which version it uses, and stays with it until it says otherwise.
interface IContractRegistry {
    /// @notice One version of a contract.
    /// @param implementation Where it is.
    /// @param publishedAt When it was published, in seconds since the Unix epoch.
    /// @param version What it is called, such as "1" or "2.1".
    struct Version {
        address implementation;
        uint48 publishedAt;
        string version;
    }

    /// @notice A version was published.
    /// @param name The contract's name.
    /// @param index The version's place, from 0.
    /// @param implementation Where it is.
    /// @param version What it is called.
    event VersionPublished(bytes32 indexed name, uint256 indexed index, address indexed implementation, string version);

    /// @notice A user uses this version from now on.
    /// @param user Who.
    /// @param name The contract's name.
    /// @param index The version's place.
    event VersionChosen(address indexed user, bytes32 indexed name, uint256 indexed index);

    /// @notice The name must not be zero.
    error ZeroName();

    /// @notice There is no contract at this address.
    /// @param account The address.
    error NotAContract(address account);

    /// @notice What a version is called has 1 to 32 bytes.
    /// @param length Bytes given.
    error VersionLengthInvalid(uint256 length);

    /// @notice There are not as many contracts as names.
    /// @param names Number of names.
    /// @param implementations Number of contracts.
    error LengthsDiffer(uint256 names, uint256 implementations);

    /// @notice The contract has no version at this place.
    /// @param name The contract's name.
    /// @param index The place.
    error VersionUnknown(bytes32 name, uint256 index);

    /// @notice Adds a version. Only the owner.
    /// @param name The contract's name in ASCII, padded with zeros, such as "Settlement".
    /// @param implementation Where it is.
    /// @param version What it is called; 1 to 32 bytes.
    /// @return index Its place, from 0.
    /// @dev Reverts with `OwnableUnauthorizedAccount`, `ZeroName`, `NotAContract`, `VersionLengthInvalid`.
    function publish(bytes32 name, address implementation, string calldata version) external returns (uint256 index);

    /// @notice Says which version the caller uses.
    /// @param name The contract's name.
    /// @param index The version's place.
    /// @dev Reverts with `VersionUnknown`.
    function choose(bytes32 name, uint256 index) external;

    /// @notice How many versions a contract has.
    /// @param name The contract's name.
    /// @return count Zero when none was published.
    function versionCount(bytes32 name) external view returns (uint256 count);

    /// @notice A version by its place.
    /// @param name The contract's name.
    /// @param index The place, from 0.
    /// @return version The version.
    /// @dev Reverts with `VersionUnknown`.
    function versionAt(bytes32 name, uint256 index) external view returns (Version memory version);

    /// @notice The version published last.
    /// @param name The contract's name.
    /// @return version The version.
    /// @dev Reverts with `VersionUnknown`.
    function latest(bytes32 name) external view returns (Version memory version);

    /// @notice Which version a user uses.
    /// @param user Any account.
    /// @param name The contract's name.
    /// @return chosen Whether it has said so.
    /// @return index The version's place; 0 when it has not.
    function choiceOf(address user, bytes32 name) external view returns (bool chosen, uint256 index);
}
