"""Confluent's own serialisers for JSON Schema and Protobuf, driven by lines of JSON.

Argument: the address of the registry. Each line of the input is a command, each line of the output its answer.
"""

import base64
import importlib
import json
import sys

from confluent_kafka.schema_registry import SchemaRegistryClient, header_schema_id_serializer
from confluent_kafka.schema_registry.confluent import meta_pb2
from confluent_kafka.schema_registry.confluent.type import decimal_pb2, variant_pb2
from confluent_kafka.schema_registry.json_schema import JSONDeserializer, JSONSerializer
from confluent_kafka.schema_registry.protobuf import ProtobufDeserializer, ProtobufSerializer
from confluent_kafka.serialization import MessageField, SerializationContext
from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory

# The files that every registry knows, as the packages have them.
google = [
    importlib.import_module(f"google.type.{name}_pb2")
    for name in "calendar_period color date datetime dayofweek decimal expr fraction interval latlng money month "
    "phone_number postal_address quaternion timeofday".split()
]
known = {module.DESCRIPTOR.name: module.DESCRIPTOR for module in (meta_pb2, decimal_pb2, variant_pb2, *google)}

client = SchemaRegistryClient({"url": sys.argv[1]})


def message_class(command):
    """The class of a message whose files come compiled."""
    files = descriptor_pb2.FileDescriptorSet.FromString(base64.b64decode(command["files"]))
    pool = descriptor_pool.DescriptorPool()
    for file in files.file:
        if file.name in known:
            file.ParseFromString(known[file.name].serialized_pb)
        pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(command["message"]))


def answer(command):
    context = SerializationContext(command["topic"], MessageField.VALUE)
    match command["do"]:
        case "write json":
            return JSONSerializer(command["schema"], client)(command["value"], context).hex()
        case "read json":
            payload = bytes.fromhex(command["hex"])
            return JSONDeserializer(None, schema_registry_client=client)(payload, context)
        case "write protobuf":
            kind = message_class(command)
            value = json_format.ParseDict(command["value"], kind())
            return ProtobufSerializer(kind, client)(value, context).hex()
        case "write protobuf with header":
            kind = message_class(command)
            value = json_format.ParseDict(command["value"], kind())
            context = SerializationContext(command["topic"], MessageField.VALUE, [])
            serializer = ProtobufSerializer(kind, client, {"schema.id.serializer": header_schema_id_serializer})
            payload = serializer(value, context)
            [(name, header)] = context.headers
            return {"payload": payload.hex(), "name": name, "header": header.hex()}
        case "read protobuf":
            kind = message_class(command)
            # It asks a registry for schemas in their compiled form only, which the one of the tests does not make.
            value = ProtobufDeserializer(kind)(bytes.fromhex(command["hex"]), context)
            return json_format.MessageToDict(value, preserving_proto_field_name=True)


for line in sys.stdin:
    print(json.dumps(answer(json.loads(line))), flush=True)
