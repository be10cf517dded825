using System.Runtime.CompilerServices;
using ZwCa.Hsm;
using ZwCa.Hsm.Pkcs11;

namespace ZwCa.Tests.Hsm.Pkcs11;

public class CkResultTests
{
    /// <summary>Numbers of pkcs11t.h v2.40.</summary>
    [Theory]
    [InlineData(0x000, "CKR_OK")]
    [InlineData(0x030, "CKR_DEVICE_ERROR")]
    [InlineData(0x060, "CKR_KEY_HANDLE_INVALID")]
    [InlineData(0x082, "CKR_OBJECT_HANDLE_INVALID")]
    [InlineData(0x0A0, "CKR_PIN_INCORRECT")]
    [InlineData(0x0B3, "CKR_SESSION_HANDLE_INVALID")]
    [InlineData(0x0E0, "CKR_TOKEN_NOT_PRESENT")]
    [InlineData(0x100, "CKR_USER_ALREADY_LOGGED_IN")]
    [InlineData(0x150, "CKR_BUFFER_TOO_SMALL")]
    [InlineData(0x190, "CKR_CRYPTOKI_NOT_INITIALIZED")]
    [InlineData(0x7FF, "CKR 0x000007FF")]
    [InlineData(0x80000105, "vendor-defined 0x80000105")]
    public void Code_IsSaidByTheStandardsName(long code, string name) => Assert.Equal(name, ((CkResult)code).Name());

    [Fact]
    public void FailureNamesFunctionAndCode() =>
        Assert.Equal("C_Login: CKR_PIN_LOCKED", new CkException("C_Login", CkResult.CKR_PIN_LOCKED).Message);

    [Theory]
    [InlineData(nameof(CkResult.CKR_PIN_INCORRECT), HsmFailure.WrongCredential, false)]
    [InlineData(nameof(CkResult.CKR_PIN_LOCKED), HsmFailure.WrongCredential, false)]
    [InlineData(nameof(CkResult.CKR_SESSION_COUNT), HsmFailure.Busy, false)]
    [InlineData(nameof(CkResult.CKR_KEY_TYPE_INCONSISTENT), HsmFailure.WrongKeyKind, false)]
    [InlineData(nameof(CkResult.CKR_DATA_INVALID), HsmFailure.BadInput, false)]
    [InlineData(nameof(CkResult.CKR_TOKEN_WRITE_PROTECTED), HsmFailure.Refused, false)]
    [InlineData(nameof(CkResult.CKR_GENERAL_ERROR), HsmFailure.DeviceError, false)]
    [InlineData(nameof(CkResult.CKR_DEVICE_ERROR), HsmFailure.DeviceError, true)]
    [InlineData(nameof(CkResult.CKR_DEVICE_REMOVED), HsmFailure.Unreachable, true)]
    [InlineData(nameof(CkResult.CKR_SLOT_ID_INVALID), HsmFailure.Unreachable, true)]
    [InlineData(nameof(CkResult.CKR_SESSION_HANDLE_INVALID), HsmFailure.Unreachable, true)]
    [InlineData(nameof(CkResult.CKR_CRYPTOKI_NOT_INITIALIZED), HsmFailure.Unreachable, true)]
    [InlineData(nameof(CkResult.CKR_USER_NOT_LOGGED_IN), HsmFailure.DeviceError, true)]
    public void Code_IsAFailure_AndMayBeALoss(string name, HsmFailure failure, bool loss)
    {
        CkResult result = Enum.Parse<CkResult>(name);

        Assert.Equal((failure, loss), (result.ToFailure(), result.IsLoss()));
    }

    /// <summary>Closing a session that is not ours any more may close another's.</summary>
    [Fact]
    public void WhatEndsASession_IsALoss() =>
        Assert.All(Enum.GetValues<CkResult>().Where(r => r.EndsSession()), r => Assert.True(r.IsLoss()));

    /// <summary>Sizes by the C compiler on LP64 with the header of the standard.</summary>
    [Fact]
    public void Structures_AreAsLongAsInC()
    {
        Assert.Equal(208, Unsafe.SizeOf<CkTokenInfo>());
        Assert.Equal(48, Unsafe.SizeOf<CkInitializeArgs>());
        Assert.Equal(24, Unsafe.SizeOf<CkAttribute>());
        Assert.Equal(24, Unsafe.SizeOf<CkMechanism>());
        Assert.Equal(24, Unsafe.SizeOf<CkMechanismInfo>());
    }
}
