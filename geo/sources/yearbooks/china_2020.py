"""The county table of China's census of 1 November 2020: its columns and what its rows mean, little else."""

from .hierarchy import gbt2260
from .quantities import AGES
from .table import Category, YearBook

_SEXES = {"male": "男", "female": "女"}
_LEVELS = {
    "none": "未上过学",
    "preschool": "学前教育",
    "primary": "小学",
    "junior_secondary": "初中",
    "senior_secondary": "高中",
    "college": "大学专科",
    "university": "本科及以上",
}
_SECTORS = {
    "agriculture": "农林牧渔业",
    "mining": "采矿业",
    "manufacturing": "制造业",
    "utilities": "电力热力燃气及水生产和供应业",
    "construction": "建筑业",
    "transport": "交通运输仓储和邮政业",
    "information": "信息传输软件和信息技术服务业",
    "trade": "批发和零售业",
    "accommodation": "住宿和餐饮业",
    "finance": "金融业",
    "real_estate": "房地产业",
    "business_services": "租赁和商务服务业",
    "research": "科学研究和技术服务业",
    "environment": "水利环境和公共设施管理业",
    "personal_services": "居民服务修理和其服务业",
    "education": "教育",
    "health": "卫生和社会工作",
    "culture": "文化体育和娱乐业",
    "public_administration": "公共管理社会保障和社会组织",
    "international": "国际组织",
}


def _age(age: str) -> str:
    """The header of an age: "5到9岁", "85岁以上"."""
    return "85岁以上" if age == "85+" else f"{age.replace('-', '到')}岁"


_AGES: dict[Category, str] = {(age, sex): f"{_SEXES[sex]}_{_age(age)}" for age in AGES for sex in _SEXES}
_EDUCATION: dict[Category, str] = {
    (level, sex): f"{label}_{_SEXES[sex]}" for level, label in _LEVELS.items() for sex in _SEXES
}
_IN_MIGRANTS: dict[Category, str] = {
    ("same_county",): "户口登记地在外乡镇街道人口_本县",
    ("other_county",): "户口登记地在外乡镇街道人口_本省其他县",
    ("other_province",): "户口登记地在外乡镇街道人口_省外",
}

BOOK = YearBook(
    year=2020,
    name="区县",
    code="区划代码",
    level=gbt2260(frozenset({"省直辖县级行政区划", "自治区直辖县级行政区划"}), nation="全国"),
    repeats=frozenset(),
    missing=frozenset({"NA"}),
    missing_means="a blank of the book, written NA",
    ignored_rows=frozenset(),
    columns={
        "residents": {(): "人口数_合计"},
        "residents_by_sex": {("male",): "人口数_男", ("female",): "人口数_女"},
        "residents_by_age": _AGES,
        "urban": {(): "城镇人口"},
        "rural": {(): "乡村人口"},
        "households": {(): "家庭户数"},
        "household_residents": {(): "家庭户人口数"},
        "housing_area": {(): "人均住房建筑面积"},
        "in_migrants": _IN_MIGRANTS,
        "education": _EDUCATION,
        "schooling": {(): "平均受教育年限_合计"},
        "employed_total": {(): "各种行业人口总计"},
        "employed": {(sector,): header for sector, header in _SECTORS.items()},
    },
    schooling_from=6,
    mean_tolerance={"housing_area": 5.0},
)
"""Table of the seventh census by county: residents, households, age, education, work and housing."""
