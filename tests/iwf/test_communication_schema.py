from perdure.iwf.communication_schema import CommunicationMethod, CommunicationMethodType, CommunicationSchema


def test_channels_are_declared_by_kind_and_type() -> None:
    signal = CommunicationMethod.signal_channel_def("s", int)
    internal = CommunicationMethod.internal_channel_def("c", None)
    prefix = CommunicationMethod.internal_channel_def_by_prefix("p-", str)

    assert (signal.method_type, signal.value_type) == (CommunicationMethodType.SignalChannel, int)
    assert (internal.method_type, internal.value_type) == (CommunicationMethodType.InternalChannel, type(None))
    assert (internal.is_prefix, prefix.is_prefix) == (False, True)
    assert CommunicationSchema.create(signal, internal).communication_methods == [signal, internal]
    assert CommunicationSchema().communication_methods == []
