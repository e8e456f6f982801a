"""Reports that accuse the village or its officers: the desk looks first, before anything else is done with them.

Such a report, even one by name, is set apart when it is filed: not accepted, touched by nothing that goes on by itself,
and the dispatcher may raise it to a protected one first. It is known by the reporter's tick, or by its words.
"""

import re

_OFFICERS = re.compile("村干部|社区干部|村官|村支书|村委|居委|支书|村书记|社区书记|村主任|村长|两委|社委|网格员")
_ACCUSED = re.compile(
    "贪污|受贿|行贿|挪用|侵占|私分|截留|克扣|冒领|虚报|套取|私吞|回扣|索要|吃拿卡要|优亲厚友|以权谋私|徇私|包庇|"
    "打击报复|威胁|恐吓|殴打|贿选|拉票|黑恶|保护伞|举报|违纪|腐败|滥用职权|不作为|公款|账目不清|暗箱"
)


def accuses(text: str) -> bool:
    """Whether a text speaks of the village's officers and of what they would be called to account for."""
    return _OFFICERS.search(text) is not None and _ACCUSED.search(text) is not None
