"""Protocol buffer messages from descriptors in a private pool.

The generated code of tensorflow-serving-api registers files in the default pool of protobuf, once in a process.
Messages of the same names in a pool of our own conflict with nothing, and need no generated code.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

SCALARS = ("double", "float", "int64", "uint64", "int32", "bool", "string", "bytes", "uint32")


@dataclass(frozen=True)
class ProtoFile:
    """A file of protocol buffers, in the syntax of proto3.

    Args:
        package: such as "tensorflow.serving".
        messages: {name: its fields}. `Outer.Inner` is a nested message. A field is `[ONEOF:] TYPE NAME = NUMBER`;
            TYPE is a scalar, or the full name of a message or enum, after `repeated`, `optional` or `map`, whose keys
            are strings.
        enums: {name: {value: number}}.
        imports: modules of generated code whose files are copied into the private pool.
    """

    package: str
    messages: Mapping[str, tuple[str, ...]]
    enums: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    imports: tuple[str, ...] = ()


def message_classes(file: ProtoFile) -> dict[str, Any]:
    """`{name: class}` of the messages of a file, and of the full names of messages that its imports define."""
    from google.protobuf.descriptor_pool import DescriptorPool
    from google.protobuf.message_factory import GetMessageClass

    pool = DescriptorPool()
    dependencies = [import_module(module).DESCRIPTOR for module in file.imports]
    names = {}
    for dependency in dependencies:
        names |= _copy(dependency, pool, set())
    pool.Add(_file_descriptor(file, [dependency.name for dependency in dependencies]))
    names |= {name: f"{file.package}.{name}" for name in file.messages}
    return {name: GetMessageClass(pool.FindMessageTypeByName(full_name)) for name, full_name in names.items()}


def _copy(descriptor, pool, copied):
    """Add a file and the files that it imports to a pool; the names of its messages."""
    from google.protobuf.descriptor_pb2 import FileDescriptorProto

    if descriptor.name not in copied:
        copied.add(descriptor.name)
        for dependency in descriptor.dependencies:
            _copy(dependency, pool, copied)
        pool.Add(FileDescriptorProto.FromString(descriptor.serialized_pb))
    return {message.full_name: message.full_name for message in descriptor.message_types_by_name.values()}


def _file_descriptor(file, dependencies):
    from google.protobuf.descriptor_pb2 import FileDescriptorProto

    proto = FileDescriptorProto(
        name=f"zoo/{file.package}.proto", package=file.package, syntax="proto3", dependency=dependencies
    )
    messages = {}
    for name, fields in file.messages.items():
        parent, _, last = name.rpartition(".")
        messages[name] = messages[parent].nested_type.add() if parent else proto.message_type.add()
        messages[name].name = last
        _add_fields(messages[name], f".{file.package}.{name}", fields, file)
    for name, values in file.enums.items():
        parent, _, last = name.rpartition(".")
        enum = (messages[parent] if parent else proto).enum_type.add(name=last)
        for value, number in values.items():
            enum.value.add(name=value, number=number)
    return proto


def _add_fields(message, full_name, lines, file):
    """Add fields to a DescriptorProto; the oneofs of optional fields come after all others, as protobuf demands."""
    optional = []
    for line in lines:
        head, _, number = line.rpartition(" = ")
        oneof, _, declaration = head.rpartition(": ")
        *label, kind, name = declaration.split()
        new = message.field.add(name=name, number=int(number))
        _set_type(new, kind, file)
        _set_label(new, label[0] if label else "", message, full_name)
        if oneof:
            new.oneof_index = _oneof(message, oneof)
        if label == ["optional"]:
            optional.append(new)
    for new in optional:
        new.proto3_optional = True
        new.oneof_index = _oneof(message, f"_{new.name}")


def _set_type(new, kind, file):
    if kind in SCALARS:
        new.type = getattr(new, f"TYPE_{kind.upper()}")
        return
    is_enum = kind.removeprefix(f"{file.package}.") in file.enums or kind == "tensorflow.error.Code"
    new.type = new.TYPE_ENUM if is_enum else new.TYPE_MESSAGE
    new.type_name = f".{kind}"


def _set_label(new, label, message, full_name):
    new.label = new.LABEL_REPEATED if label in ("repeated", "map") else new.LABEL_OPTIONAL
    if label == "map":
        entry = message.nested_type.add(name=f"{new.name.title().replace('_', '')}Entry")
        entry.options.map_entry = True
        entry.field.add(name="key", number=1, type=new.TYPE_STRING, label=new.LABEL_OPTIONAL)
        value = entry.field.add(name="value", number=2, type=new.type, label=new.LABEL_OPTIONAL)
        if new.type_name:
            value.type_name = new.type_name
        new.type, new.type_name = new.TYPE_MESSAGE, f"{full_name}.{entry.name}"


def _oneof(message, name):
    """The index of a oneof, which is added where it is missing."""
    names = [oneof.name for oneof in message.oneof_decl]
    if name not in names:
        message.oneof_decl.add(name=name)
        return len(names)
    return names.index(name)
