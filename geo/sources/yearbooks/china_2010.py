"""The county table of China's census of 1 November 2010: its columns and what its rows mean, little else."""

from .hierarchy import gbt2260
from .quantities import AGES
from .table import Category, YearBook

_SEXES = {"male": "男", "female": "女"}
_LEVELS = {
    "none": "未上过学",
    "primary": "小学",
    "junior_secondary": "初中",
    "senior_secondary": "高中",
    "college": "大学专科",
    "university": "大学本科及以上",
}
# The headers of three industries are garbled: a line of each slipped into the next. In the nation's structure the
# columns hold transport (2.5 million of the long form), information (0.4) and trade (6.7), which is the order of
# GB/T 4754-2002.
_SECTORS = {
    "agriculture": "农林牧渔业",
    "mining": "采矿业",
    "manufacturing": "制造业",
    "utilities": "电力、燃气及水的生产和供应业",
    "construction": "建筑业",
    "transport": "仓储和邮政业",
    "information": "交通运输、计算机服务和软件业",
    "trade": "信息传输、批发和零售业",
    "accommodation": "住宿和餐饮业",
    "finance": "金融业",
    "real_estate": "房地产业",
    "business_services": "租赁和商务服务业",
    "research": "科学研究、技术服务和地质勘察业",
    "environment": "水利、环境和公共设施管理业",
    "personal_services": "居民服务和其他服务业",
    "education": "教育",
    "health": "卫生、社会保障和社会福利业",
    "culture": "文化、体育和娱乐业",
    "public_administration": "公共管理和社会组织",
    "international": "国际组织",
}


def _age(age: str, sex: str) -> str:
    """The header of an age: "85岁及以上（男）"; one of them closes with the wrong bracket."""
    label = "85岁及以上" if age == "85+" else f"{age}岁"
    return "45-49岁（女)" if (age, sex) == ("45-49", "female") else f"{label}（{_SEXES[sex]}）"


_AGES: dict[Category, str] = {(age, sex): _age(age, sex) for age in AGES for sex in _SEXES}
_EDUCATION: dict[Category, str] = {
    (level, sex): f"{label}-{_SEXES[sex]}" for level, label in _LEVELS.items() for sex in _SEXES
}
_IN_MIGRANTS: dict[Category, str] = {
    ("same_county",): "迁入人口（人）-本县（市）/本市市区",
    ("other_county",): "迁入人口（人）-本省其他县（市）、市区",
    ("other_province",): "迁入人口（人）-外省",
}

BOOK = YearBook(
    year=2010,
    name="地区",
    code="区划代码",
    level=gbt2260(frozenset({"市辖区", "县", "省直辖县级行政区划", "自治区直辖县级行政区划"})),
    repeats=frozenset({"市辖区"}),
    missing=frozenset(),
    missing_means="none or very few, says the book",
    ignored_rows=frozenset({"首发论坛：经济学家bbs.jjxj.org"}),
    columns={
        "residents": {(): "合计"},
        "residents_by_sex": {("male",): "男", ("female",): "女"},
        "residents_by_age": _AGES,
        "registered": {(): "户籍人口"},
        "nonagricultural_share": {(): "非农业户口人口比重（%）"},
        "urban": {(): "城镇人口"},
        "rural": {(): "乡村人口"},
        "households": {(): "户数"},
        "household_residents": {(): "人口数"},
        "housing_area": {(): "人均住房建筑面积（平方米/人）"},
        "birth_rate": {(): "出生率（‰）"},
        "death_rate": {(): "死亡率（‰）"},
        "natural_increase_rate": {(): "自然增长率（‰）"},
        "in_migrants": _IN_MIGRANTS,
        "education": _EDUCATION,
        "schooling": {(): "平均受教育年限（年）-合计"},
        "employed_total": {(): "各种行业人口总计"},
        "employed": {(sector,): header for sector, header in _SECTORS.items()},
    },
    schooling_from=15,
    scale={"nonagricultural_share": 0.01},
    mean_tolerance={"nonagricultural_share": 0.5},
)
"""Table of the sixth census by county: residents, registration, households, age, education, work and housing."""
