"""What a network looks like, and what it costs: shapes, parameters, MACs, memory, time."""

from minidl.analysis.draw import Drawing, draw
from minidl.analysis.profile import profile
from minidl.analysis.profile_report import Cost, Profile
from minidl.analysis.rows import Row
from minidl.analysis.summary import Summary, SummaryError, summary
