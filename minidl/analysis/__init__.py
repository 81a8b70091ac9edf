"""What a network costs: shapes, parameters, multiply-accumulates, memory, time."""

from minidl.analysis.profile import profile
from minidl.analysis.profile_report import Cost, Profile
from minidl.analysis.rows import Row
from minidl.analysis.summary import Summary, SummaryError, summary
