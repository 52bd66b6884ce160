"""What can go wrong in this room."""

from aforo.kit.errors import Conflict


class ChannelNameTaken(Conflict):
    """Another channel of this tenant has this name."""

    code = "channel_name_taken"


class TooManyChannels(Conflict):
    """More channels than one tenant may have."""

    code = "too_many_channels"


class DeliveryUnderWay(Conflict):
    """A delivery that still runs is not sent a second time beside itself."""

    code = "delivery_under_way"
