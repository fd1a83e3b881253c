import dataclasses
import typing

size: int = 3
name: "str"


@dataclasses.dataclass(order=True)
class Point:
    x: int
    y: "typing.Optional[int]" = None
    rest: list = dataclasses.field(default_factory=list)


print(__annotations__, typing.get_type_hints(Point), Point(1) < Point(2), Point(1))
