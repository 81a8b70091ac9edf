"""What a network costs: shapes, parameters, multiply-accumulates, memory, time."""

from minidl.analysis.profile import Cost, Profile, profile
from minidl.analysis.summary import Row, Summary, SummaryError, summary
