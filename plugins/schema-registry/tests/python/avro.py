"""Confluent's own serialiser for Avro, driven by lines of JSON.

Argument: the address of the registry. Each line of the input is a command, each line of the output its answer. Bytes,
decimals and times are written as text by Python's `repr`, so that a wrong type is seen.
"""

import datetime
import decimal
import json
import sys

from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer, AvroSerializer
from confluent_kafka.serialization import MessageField, SerializationContext

client = SchemaRegistryClient({"url": sys.argv[1]})
decimal.getcontext().prec = 80


def answer(command):
    context = SerializationContext(command["topic"], MessageField.VALUE)
    if command["do"] == "read":
        return repr(AvroDeserializer(client)(bytes.fromhex(command["hex"]), context))
    value = eval(command["value"], {"datetime": datetime, "Decimal": decimal.Decimal})
    return AvroSerializer(client, command["schema"])(value, context).hex()


for line in sys.stdin:
    print(json.dumps(answer(json.loads(line))), flush=True)
