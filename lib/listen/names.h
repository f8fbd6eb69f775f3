/* SPDX-License-Identifier: MIT */
/* The names on the wire: objects, interfaces and errors that both sides must spell alike. */
#pragma once

#define NAME_QEMU "org.qemu"
#define PATH_ROOT "/org/qemu/Display1"
#define PATH_VM PATH_ROOT "/VM"
#define PATH_CONSOLE PATH_ROOT "/Console_" /* and the console's number */
#define PATH_LISTENER PATH_ROOT "/Listener"

#define INTERFACE_VM "org.qemu.Display1.VM"
#define INTERFACE_CONSOLE "org.qemu.Display1.Console"
#define INTERFACE_KEYBOARD "org.qemu.Display1.Keyboard"
#define INTERFACE_MOUSE "org.qemu.Display1.Mouse"
#define INTERFACE_MULTITOUCH "org.qemu.Display1.MultiTouch"
#define INTERFACE_LISTENER "org.qemu.Display1.Listener"
#define INTERFACE_MAP "org.qemu.Display1.Listener.Unix.Map"
#define INTERFACE_DMABUF2 "org.qemu.Display1.Listener.Unix.ScanoutDMABUF2"

#define INTERFACE_PROPERTIES "org.freedesktop.DBus.Properties"
#define INTERFACE_INTROSPECTABLE "org.freedesktop.DBus.Introspectable"
#define INTERFACE_PEER "org.freedesktop.DBus.Peer"
#define INTERFACE_OBJECT_MANAGER "org.freedesktop.DBus.ObjectManager"

#define ERROR_QEMU_INVALID "org.qemu.Display1.Error.Invalid"
#define ERROR_FAILED "org.freedesktop.DBus.Error.Failed"
#define ERROR_INVALID_ARGS "org.freedesktop.DBus.Error.InvalidArgs"
#define ERROR_UNKNOWN_METHOD "org.freedesktop.DBus.Error.UnknownMethod"
#define ERROR_UNKNOWN_OBJECT "org.freedesktop.DBus.Error.UnknownObject"
#define ERROR_UNKNOWN_INTERFACE "org.freedesktop.DBus.Error.UnknownInterface"
#define ERROR_UNKNOWN_PROPERTY "org.freedesktop.DBus.Error.UnknownProperty"
#define ERROR_PROPERTY_READ_ONLY "org.freedesktop.DBus.Error.PropertyReadOnly"
