#pragma once

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

#include "keymanager/base/result.h"

namespace sallyport::libvirt {

/// libvirt's client library, under its own names. It brings some forty other libraries with it: linked, they would cost
/// every start of the program 17 ms and 8 MB, with a hypervisor or without. So it is loaded when it is first needed.
struct Library {
    decltype(&::virConnectClose) virConnectClose;
    decltype(&::virConnectDomainEventDeregisterAny) virConnectDomainEventDeregisterAny;
    decltype(&::virConnectDomainEventRegisterAny) virConnectDomainEventRegisterAny;
    decltype(&::virConnectIsAlive) virConnectIsAlive;
    decltype(&::virConnectListAllDomains) virConnectListAllDomains;
    decltype(&::virConnectListAllSecrets) virConnectListAllSecrets;
    decltype(&::virConnectOpen) virConnectOpen;
    decltype(&::virConnectRegisterCloseCallback) virConnectRegisterCloseCallback;
    decltype(&::virConnectSetKeepAlive) virConnectSetKeepAlive;
    decltype(&::virConnectUnregisterCloseCallback) virConnectUnregisterCloseCallback;
    decltype(&::virDomainCreate) virDomainCreate;
    decltype(&::virDomainFree) virDomainFree;
    decltype(&::virDomainGetAutostart) virDomainGetAutostart;
    decltype(&::virDomainGetName) virDomainGetName;
    decltype(&::virDomainGetXMLDesc) virDomainGetXMLDesc;
    decltype(&::virDomainIsActive) virDomainIsActive;
    decltype(&::virDomainLookupByName) virDomainLookupByName;
    decltype(&::virDomainLookupByUUIDString) virDomainLookupByUUIDString;
    decltype(&::virEventAddTimeout) virEventAddTimeout;
    decltype(&::virEventRegisterDefaultImpl) virEventRegisterDefaultImpl;
    decltype(&::virEventRemoveTimeout) virEventRemoveTimeout;
    decltype(&::virEventRunDefaultImpl) virEventRunDefaultImpl;
    decltype(&::virEventUpdateTimeout) virEventUpdateTimeout;
    decltype(&::virGetLastErrorCode) virGetLastErrorCode;
    decltype(&::virGetLastErrorDomain) virGetLastErrorDomain;
    decltype(&::virGetLastErrorMessage) virGetLastErrorMessage;
    decltype(&::virInitialize) virInitialize;
    decltype(&::virSecretDefineXML) virSecretDefineXML;
    decltype(&::virSecretFree) virSecretFree;
    decltype(&::virSecretGetUUIDString) virSecretGetUUIDString;
    decltype(&::virSecretGetXMLDesc) virSecretGetXMLDesc;
    decltype(&::virSecretLookupByUsage) virSecretLookupByUsage;
    decltype(&::virSecretLookupByUUIDString) virSecretLookupByUUIDString;
    decltype(&::virSecretSetValue) virSecretSetValue;
    decltype(&::virSecretUndefine) virSecretUndefine;
    decltype(&::virSetErrorFunc) virSetErrorFunc;
};

/// Loads it, once for the process. Thread-safe. Error: `Unavailable` if it is not installed or lacks a function.
Result<void> load_library();

/// Its functions. Only after load_library() has succeeded.
const Library& library();

}  // namespace sallyport::libvirt
